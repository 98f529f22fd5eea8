//! Names in a source tree.

use std::fs;
use std::path::Path;

use tierline::catalog::Catalog;
use tierline::catalog::scan::Summary;

use super::now;

#[test]
fn a_scan_finds_whole_names_where_git_would_look() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("app.py", b"import x\nclient.chat(model=\"deepseek-chat\")  # was gpt-4.\n");
    write("config.yaml", b"model: models/gemini-2.0-flash\nfuture: gpt-5-mini\nfine: gpt-6-luna\n");
    write(".env", b"MODEL=claude-3-haiku-20240307\n");
    write("math.rs", b"let o1 = o3 + gpt_4;\nlet m = \"o1\"; // my-gpt-4-clone gpt-4ever\n");
    write(".gitignore", b"ignored/\n");
    write("ignored/old.py", b"deepseek-chat\n");
    write(".git/config", b"deepseek-chat\n");
    write("blob.bin", b"deepseek-chat\0\n");
    write("huge.txt", &b"deepseek-chat\n".repeat(400_000));
    write("latin1.txt", b"caf\xe9 dall-e-3\n");

    let mut hits = Vec::new();
    let summary = Catalog::bundled()
        .scan(dir.path(), now(), &mut |hit| {
            let path = hit.path.strip_prefix(dir.path()).unwrap().display().to_string();
            hits.push(format!("{path}:{}:{} {} {}", hit.line, hit.column, hit.name, hit.retirement.state.name()));
        })
        .unwrap();
    assert_eq!(
        hits,
        [
            ".env:1:7 claude-3-haiku-20240307 retired",
            "app.py:2:20 deepseek-chat retired",
            "app.py:2:43 gpt-4 retired",
            "config.yaml:1:15 gemini-2.0-flash retired",
            "config.yaml:2:9 gpt-5-mini retiring",
            "latin1.txt:1:6 dall-e-3 retired",
            "math.rs:2:10 o1 retired",
        ]
    );
    assert_eq!(summary, Summary { files: 6, skipped: 2, retired: 6, retiring: 1 });
}

#[test]
fn a_scan_of_nothing_says_so() {
    let problem = Catalog::bundled().scan(Path::new("/no/such/folder"), now(), &mut |_| {}).unwrap_err();
    assert!(problem.to_string().starts_with("/no/such/folder cannot be scanned: "), "{problem}");
}
