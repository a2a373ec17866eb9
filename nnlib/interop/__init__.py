"""Where nnlib meets other libraries: scikit-learn, matplotlib, ONNX. Each module loads its own when first used."""
