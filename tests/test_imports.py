"""No circle of imports, not even of a package and its own files, which the contracts of `make lint` do not look at."""

from graphlib import TopologicalSorter

import grimp


def test_no_files_import_one_another_in_a_circle() -> None:
    graph = grimp.build_graph("platepost", cache_dir=None)
    TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules}).prepare()
