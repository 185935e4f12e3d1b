//! The flags in the README are those of the program.

use clap::CommandFactory;

/// A row for each flag and argument: what it is called, its twin in the environment, what it does.
fn table(command: &clap::Command, path: &str) -> Vec<String> {
    let mut rows = Vec::new();
    let own = command
        .get_arguments()
        .filter(|it| !["help", "version"].contains(&it.get_id().as_str()));
    for argument in own {
        let name = match argument.get_long() {
            Some(long) => format!("--{long}"),
            None => argument.get_id().to_string().to_uppercase(),
        };
        let twin = argument
            .get_env()
            .map_or("none".into(), |it| it.to_string_lossy());
        let help = argument
            .get_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let default: Vec<_> = argument
            .get_default_values()
            .iter()
            .map(|it| it.to_string_lossy())
            .collect();
        let default = match default.as_slice() {
            [] => String::new(),
            given if argument.get_action().takes_values() => format!(" ({})", given.join(",")),
            _ => String::new(),
        };
        let help = help.replace('|', "\\|");
        rows.push(format!("| `{path}{name}` | `{twin}` | {help}{default} |"));
    }
    for inner in command.get_subcommands() {
        rows.extend(table(inner, &format!("{path}{} ", inner.get_name())));
    }
    rows
}

#[test]
fn the_readme_has_every_flag_and_its_twin() {
    let rows = table(&crate::Cli::command(), "");
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    // A flag has its row, or is told of where its command is.
    let twin = |row: &str| row.split('`').nth(3).unwrap_or_default().to_owned();
    let missing = rows
        .iter()
        .filter(|row| !readme.contains(&format!("`{}`", twin(row))));
    let missing: Vec<&str> = missing.map(String::as_str).collect();
    assert!(
        missing.is_empty(),
        "put this into README.md:\n{}",
        missing.join("\n")
    );
    let begin = readme.find("| `serve --host`").expect("the table of flags");
    let shown: Vec<&str> = readme[begin..]
        .lines()
        .take_while(|row| row.starts_with('|'))
        .collect();
    assert!(shown.len() > 50, "{shown:?}");
    let stale: Vec<&&str> = shown
        .iter()
        .filter(|row| !rows.iter().any(|it| it == *row))
        .collect();
    let all = rows.join("\n");
    assert!(
        stale.is_empty(),
        "no longer so: {stale:?}; put this into README.md:\n{all}"
    );
    // What only a person can type cannot be set where a program is started by another.
    let without = rows.iter().filter(|row| row.contains("`none`"));
    let without: Vec<&String> = without.collect();
    assert!(without.is_empty(), "{without:?}");
}
