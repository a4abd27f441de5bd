"""What the owner publishes of a trained model."""
