from device.control.errors import RefusedError, Rejection


def test_of_what_nobody_signed_only_its_size_is_worth_a_word() -> None:
    malformed, large = RefusedError(Rejection.MALFORMED, "line 3"), RefusedError(Rejection.TOO_LARGE, "9 MB")
    assert malformed.details(verified=True) == {"message": "line 3"}
    assert malformed.details(verified=False) == {}
    assert large.details(verified=False) == {"message": "9 MB"}
