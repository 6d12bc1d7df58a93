"""What a report says: sentences about a result, the same in every report."""
