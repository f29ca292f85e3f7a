"""What happens to a picture on its way: image in, image out, seeded."""
