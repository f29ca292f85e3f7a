"""Numbers from scores and labels: numpy in, numbers out."""
