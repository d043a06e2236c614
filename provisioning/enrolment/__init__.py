"""The department's side of enrolment: codes that are given out, requests that are judged, by network or by stick."""
