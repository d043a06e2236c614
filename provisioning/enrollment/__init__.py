"""The department's side of enrollment: codes that are given out, requests that are judged, by network or by stick."""
