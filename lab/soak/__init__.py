"""A soak: hours of a steady day in minutes, watched for whatever grows that should not."""
