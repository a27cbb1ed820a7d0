//! The rules of the prompt, with a made-up terminal and a made-up daemon.

mod bench;
mod cards;
mod only;
mod random;
mod rules;
mod several;
mod typed;
mod views;
