from platepost.wire.errors import RefusedError, Rejection


def test_a_refusal_says_which_member_was_wrong_and_no_more_than_a_record_holds() -> None:
    assert RefusedError(Rejection.MALFORMED, "version").details == {"message": "version"}
    assert RefusedError(Rejection.MALFORMED, "x" * 2000).details == {"message": "x" * 1000}
