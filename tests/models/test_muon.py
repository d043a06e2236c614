import pytest

torch = pytest.importorskip("torch", reason="the training extra is missing: make .venv/.training")

from torch import nn

from platepost.models.training import Muon, orthogonal


@pytest.mark.parametrize("shape", [(12, 90), (90, 12), (16, 16)])
def test_all_directions_of_a_matrix_become_about_as_long(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    matrix = torch.randn(shape) @ torch.diag(torch.logspace(-1, 1, shape[1]))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.min() > 0.3
    assert values.max() < 1.4


def test_a_kernel_learns_along_a_faint_direction_too() -> None:
    kernel = nn.Parameter(torch.zeros(2, 2, 1, 1))
    goal, strengths = torch.ones(2, 2), torch.tensor([1.0, 1e-3])
    muon = Muon([kernel], lr=0.02)
    for _ in range(100):
        ((kernel.flatten(1) - goal * torch.eye(2)) ** 2 * strengths[:, None]).sum().backward()
        muon.step()
        muon.zero_grad()
    assert torch.diagonal(kernel.flatten(1)).min() > 0.7
