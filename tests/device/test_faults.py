from pathlib import Path

from device.faults import DESCRIPTIONS, PAGE, Fault, reasons, with_table

ROOT = Path(__file__).parents[2]


def test_every_fault_is_described_in_code_and_for_technicians() -> None:
    assert set(DESCRIPTIONS) == set(Fault)
    for description in DESCRIPTIONS.values():
        assert all((description.cause, description.effect, description.healed_by, description.remedy))
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    assert page == with_table(page), f"{PAGE} is not what `make contract` writes"


def test_a_status_takes_every_message() -> None:
    assert {reason.name for reason in reasons(Fault)} == {fault.value for fault in Fault}


def test_reasons_come_in_one_order() -> None:
    assert [reason.name for reason in reasons({Fault.TAMPER_OPEN, Fault.CAMERA_SILENT})] == [
        "camera_silent",
        "tamper_open",
    ]
