//! What tests share.

#![allow(dead_code, reason = "each test crate uses a part of it")]

pub mod cpu_renderer;
pub mod fixture;
