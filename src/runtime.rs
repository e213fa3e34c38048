//! Runtime: images, layers and sandboxed steps: builds without Docker, a daemon or root.
