"""Hot lists made on the pages: entries, imports, approvals by a second person, publishing, and looking back."""
