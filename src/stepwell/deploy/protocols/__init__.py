"""What a server speaks: JSON, `.npy`, plain bytes, files, the book's multipart, and the Open Inference Protocol."""
