//! Working rasters, local features and the geometry between pictures, on pictures by formula.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod compare;
mod geometry;
mod raster;
mod record;
mod scene;
mod signs;
mod support;
mod viewpoint;
