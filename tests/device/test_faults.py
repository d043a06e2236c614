from pathlib import Path

from device.faults import DESCRIPTIONS, Fault, reasons

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


def test_every_fault_is_described_in_code_and_for_technicians() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert set(DESCRIPTIONS) == set(Fault)
    for fault, description in DESCRIPTIONS.items():
        row = f"| `{fault.value}` | {description.message} | {description.healed_by} | {description.remedy} |"
        assert row in page


def test_reasons_come_in_one_order() -> None:
    assert [reason.name for reason in reasons({Fault.TAMPER_OPEN, Fault.CAMERA_SILENT})] == [
        "camera_silent",
        "tamper_open",
    ]
