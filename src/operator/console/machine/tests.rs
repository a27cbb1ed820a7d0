//! The reducer by its rules, by random inputs, and by what it shows.

mod bench;
mod news;
mod random;
mod rules;
mod screens;
mod views;
