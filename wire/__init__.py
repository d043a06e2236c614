"""What both sides of the wire share: records, signatures, the hot-list package, receipts, the contract."""
