// SPDX-License-Identifier: Apache-2.0
//
// tokens-rivals NAME ENCODING FOLDER
//
// Counts with somebody else's tokenizer.  Texts come on standard input with
// their length before them, four bytes, the lowest first; the answer to each
// is a line, "TOKENS NANOSECONDS", of the processor's time.  Each tokenizer is called in the way that
// its documentation shows as the fastest for one text in one thread: what
// counts without making a list of ids does so.
//
// FOLDER has ENCODING.tiktoken, ENCODING.pattern and ENCODING.json.

use std::fs;
use std::io::{self, Read, Write};
use std::sync::Arc;

type Count = Box<dyn FnMut(&str) -> usize>;

struct Sources {
    encoding: String,
    folder: String,
}

impl Sources {
    fn path(&self, end: &str) -> String {
        format!("{}/{}.{}", self.folder, self.encoding, end)
    }

    fn pattern(&self) -> String {
        fs::read_to_string(self.path("pattern")).expect("pattern")
    }

    fn ranks(&self) -> Vec<(Vec<u8>, u32)> {
        use base64::{engine::general_purpose::STANDARD, Engine as _};

        fs::read_to_string(self.path("tiktoken"))
            .expect("ranks")
            .lines()
            .map(|line| {
                let (token, rank) = line.split_once(' ').expect("a rank");
                (STANDARD.decode(token).expect("base64"), rank.parse().expect("a number"))
            })
            .collect()
    }
}

fn bpe_openai(s: &Sources) -> Count {
    let t = match s.encoding.as_str() {
        "cl100k_base" => bpe_openai::cl100k_base(),
        "o200k_base" => bpe_openai::o200k_base(),
        _ => unsupported(),
    };

    Box::new(move |text| t.count(text))
}

fn fastokens(s: &Sources) -> Count {
    if let "qwen3" = s.encoding.as_str() {
        let t = fastokens::Tokenizer::from_file(s.path("json").as_ref()).expect("json");

        return Box::new(move |text| t.encode_ordinary(text).expect("ids").len());
    }

    let config = fastokens::TiktokenConfig {
        pattern: match s.encoding.as_str() {
            "cl100k_base" => fastokens::CL100K_BASE_PATTERN.into(),
            "o200k_base" => fastokens::O200K_BASE_PATTERN.into(),
            _ => unsupported(),
        },
        special_tokens: Default::default(),
    };
    let t = fastokens::Tokenizer::from_tiktoken_ranks(&s.ranks(), config).expect("ranks");

    Box::new(move |text| t.encode(text).expect("ids").len())
}

fn kitoken(s: &Sources) -> Count {
    let t = if s.encoding == "qwen3" {
        kitoken::Kitoken::from_tokenizers_file(s.path("json")).expect("json")
    } else {
        kitoken::Kitoken::from_tiktoken_file(s.path("tiktoken")).expect("ranks")
    };

    Box::new(move |text| t.encode(text, false).expect("ids").len())
}

fn riptoken(s: &Sources) -> Count {
    let ranks = s.ranks().into_iter().collect();
    let t = riptoken::CoreBPE::new(ranks, Default::default(), &s.pattern()).expect("ranks");

    Box::new(move |text| t.encode_ordinary(text).len())
}

fn splintr(s: &Sources) -> Count {
    let t = if s.encoding == "qwen3" {
        splintr::from_json_path(s.path("json")).expect("json")
    } else {
        splintr::pretrained::from_pretrained(&s.encoding).expect("a vocabulary")
    };

    Box::new(move |text| t.encode_raw(text).len())
}

fn tiktoken(s: &Sources) -> Count {
    let name = if s.encoding == "qwen3" { "qwen2" } else { &s.encoding };
    let t = tiktoken::get_encoding(name).expect("an encoding");

    Box::new(move |text| t.count(text))
}

fn tiktoken_rs(s: &Sources) -> Count {
    let ranks = s.ranks().into_iter().collect();
    let t = tiktoken_rs::CoreBPE::new(ranks, Default::default(), &s.pattern()).expect("ranks");

    Box::new(move |text| t.count_ordinary(text))
}

fn tokenizers(s: &Sources) -> Count {
    let json = tokenizers::canonicalize_file(s.path("json")).expect("json");
    let t = tokenizers::from_json(&json).expect("json");
    let mut options = tokenizers::pipeline::EncodeOptions::no_specials();
    let mut ids = Vec::new();

    options.encode_special_tokens = true;

    Box::new(move |text| {
        ids.clear();
        t.encode_into(text, &options, &mut ids).expect("ids");
        ids.len()
    })
}

fn toktok(s: &Sources) -> Count {
    let t = toktok::Tokenizer::builtin(&s.encoding).expect("an encoding");

    Box::new(move |text| t.count(text.as_bytes()))
}

fn wordchipper(s: &Sources) -> Count {
    use wordchipper::pretrained::openai::OATokenizer;
    use wordchipper::{TokenEncoder as _, TokenizerOptions, UnifiedTokenVocab};

    let which = match s.encoding.as_str() {
        "cl100k_base" => OATokenizer::Cl100kBase,
        "o200k_base" => OATokenizer::O200kBase,
        _ => unsupported(),
    };
    let vocab: Arc<UnifiedTokenVocab<u32>> =
        which.load_path(s.path("tiktoken")).expect("ranks").into();
    let t = TokenizerOptions::default().with_accelerated_lexers(true).build(vocab);

    Box::new(move |text| t.try_encode(text, None).expect("ids").len())
}

fn now() -> i64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };

    // SAFETY: it writes to ts alone
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut ts) };

    ts.tv_sec * 1_000_000_000 + ts.tv_nsec
}

fn unsupported() -> ! {
    std::process::exit(3)
}

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let s = Sources { encoding: args[2].clone(), folder: args[3].clone() };
    let mut count = match args[1].as_str() {
        "bpe-openai" => bpe_openai(&s),
        "fastokens" => fastokens(&s),
        "kitoken" => kitoken(&s),
        "riptoken" => riptoken(&s),
        "splintr" => splintr(&s),
        "tiktoken-crate" => tiktoken(&s),
        "tiktoken-rs" => tiktoken_rs(&s),
        "tokenizers" => tokenizers(&s),
        "toktok-rs" => toktok(&s),
        "wordchipper" => wordchipper(&s),
        _ => unsupported(),
    };
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut head = [0; 4];

    while input.read_exact(&mut head).is_ok() {
        let mut text = vec![0; u32::from_le_bytes(head) as usize];

        input.read_exact(&mut text)?;

        let text = String::from_utf8(text).expect("UTF-8");
        let start = now();
        let n = count(&text);

        writeln!(output, "{} {}", n, now() - start)?;
        output.flush()?;
    }

    Ok(())
}
