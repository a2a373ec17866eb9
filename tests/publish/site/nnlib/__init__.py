"""Stands in for the core: what a post imports."""


def square(x):
    return x * x
