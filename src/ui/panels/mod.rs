//! One file a panel; a panel of several parts is a folder.

pub mod accounts;
pub mod explain;
pub mod first_run;
pub mod history;
pub mod models;
pub mod overview;
pub mod batch;
pub mod planner;
pub mod settings;
pub mod traffic;
