"""S3, SNS and SQS as the application uses them, through aiobotocore."""
