//! The reducer by its rules, by random inputs, and by what it shows.

mod bench;
mod random;
mod rules;
mod screens;
