//! The gate's contract.
