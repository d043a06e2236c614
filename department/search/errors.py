"""The errors of search.

::

    DepartmentError
     +-- SearchError (RuntimeError)
          +-- PatternError (ValueError)    a pattern cannot be read, or says too little
          +-- TooManyPlatesError           more fits than can be ranked
          +-- SearchTimeoutError           the database gave the statement up
          +-- CaseRequiredError            what is asked is for a case only
          +-- PlacesError                  the department's map cannot be read
          +-- NoSearchError                a search is not there any more
               +-- ForeignSearchError      it is another session's
"""

from platepost.department.errors import DepartmentError


class SearchError(DepartmentError, RuntimeError):
    """A search cannot be answered; the message says what to ask instead. It never repeats a plate."""


class PatternError(SearchError, ValueError):
    """A pattern cannot be read, or says too little."""


class TooManyPlatesError(SearchError):
    """More plates fit than can be ranked."""


class SearchTimeoutError(SearchError):
    """The database gave the statement up, or it was canceled."""


class CaseRequiredError(SearchError):
    """What is asked is shown for a case only, and none is named."""


class PlacesError(SearchError):
    """The department's map cannot be read."""


class NoSearchError(SearchError):
    """A search is not there, or has expired."""


class ForeignSearchError(NoSearchError):
    """A search is another session's."""
