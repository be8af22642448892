//! The committed OpenAPI file.

use matome_api::openapi;

/// Written anew with `UPDATE_OPENAPI=1`, as in `cargo xtask openapi`.
#[test]
fn the_committed_file_is_what_the_routes_say() {
    let made = openapi::generate();
    if option_env!("UPDATE_OPENAPI").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        std::fs::write(path, &made).expect("written");
    }
    assert!(
        made == openapi::COMMITTED,
        "functions/api/openapi.json is not what the routes say: run cargo xtask openapi"
    );
}
