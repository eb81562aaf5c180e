# Recipes for people who work on `pilot`; `just --list` shows them.

# All tests, as CI runs them.
test:
    cargo test --release

# The quick inner loop: everything but the DataFusion engine.
quick:
    cargo test --no-default-features

# Format and lints, as CI runs them.
lint:
    cargo fmt --check
    cargo clippy --release --all-targets -- -D warnings
    cargo clippy --release --no-default-features --all-targets -- -D warnings

# What must pass before a change lands.
ci:
    .ci/run
