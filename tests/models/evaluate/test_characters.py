from platepost.models.evaluate.characters import by_character


def test_the_worst_come_first_with_what_they_were_taken_for() -> None:
    figures = by_character([("7ABC4", "7ABCL"), ("4X", "LX"), ("44", "4A")])
    assert (figures[0].character, figures[0].count, figures[0].right) == ("4", 4, 0.25)
    assert figures[0].taken_for == (("L", 2), ("A", 1))
    assert all(figure.right == 1 for figure in figures[1:])


def test_lost_and_invented_characters_are_told_apart() -> None:
    figures = {figure.character: figure for figure in by_character([("ABC", "AC"), ("XY", "XZY")])}
    assert figures["B"].taken_for == (("-", 1),)
    assert figures["-"].taken_for == (("Z", 1),)
    assert figures["C"].right == 1


def test_look_alikes_are_one_character() -> None:
    (figure,) = by_character([("O0", "0O")])
    assert (figure.character, figure.count, figure.right) == ("0", 2, 1)


def test_a_plate_not_found_is_all_lost() -> None:
    assert [figure.taken_for for figure in by_character([("AB", "")])] == [(("-", 1),), (("-", 1),)]
