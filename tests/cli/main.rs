//! The real binary in an environment of its own: what it says, what it exits with, and what it leaves behind.

mod bench;
mod closed;
mod commands;
mod demo;
mod disk;
mod https;
mod manners;
mod oneshot;
mod people;
mod policy;
mod restored;
mod running;
mod silent;
mod starting;
mod terminal;
mod trail;
mod untrusted;
mod webhook;
