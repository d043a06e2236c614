"""Who may open which page: the table in the repository is what the code says."""

from department.config.access_table import TABLE, pages, table


def test_table_in_the_repository_is_the_code_s() -> None:
    assert TABLE.read_text("utf-8") == table(), "give `make contract`"


def test_every_view_names_who_may_use_it() -> None:
    assert [where for where, access in pages() if access is None] == []
