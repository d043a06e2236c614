"""What a run stands on: its folder, its servers, and how all of it is taken down again."""
