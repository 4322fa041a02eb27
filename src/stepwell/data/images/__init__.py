"""Images: folders, CSV files, archives, idx and CIFAR files → bytes (n, channels, height, width), class numbers and sides."""
