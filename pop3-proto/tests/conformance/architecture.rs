//! The documentation's table is what the code reads.

use std::fmt::Write as _;

use pop3_proto::state::Keyword;

#[test]
fn the_table_of_commands_is_the_one_in_the_code() {
    let page = include_str!("../../../ARCHITECTURE.md");
    let (_, rest) = page.split_once("<!-- table -->\n").expect("the beginning of the table");
    let (table, _) = rest.split_once("<!-- /table -->").expect("the end of the table");
    let mut expected = String::from(
        "| command | legal in | framing of `+OK` | effect of `+OK` | in flight | credential | before TLS |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let yes = |flag| if flag { "yes" } else { "–" };
    for rule in Keyword::ALL.iter().map(|keyword| keyword.rule()) {
        let _ = writeln!(
            expected,
            "| {} | {} | {} | {} | {} | {} | {} |",
            rule.keyword,
            rule.legal,
            rule.framing,
            rule.effect,
            rule.barrier,
            yes(rule.credential),
            yes(rule.before_tls)
        );
    }
    assert_eq!(table, expected, "expected:\n{expected}");
}
