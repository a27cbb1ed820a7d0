use proptest::prelude::*;

use super::{Decoder, Frame, RawEvent};

fn decode(bytes: &[u8], max: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut decoder = Decoder::new(max);
    decoder.feed(bytes, &mut frames);
    frames.extend(decoder.finish().map(Frame::Event));
    frames
}

fn event(id: Option<&str>, name: Option<&str>, data: &str) -> Frame {
    Frame::Event(RawEvent {
        id: id.map(str::to_owned),
        name: name.map(str::to_owned),
        data: data.to_owned(),
        truncated: false,
    })
}

#[test]
fn a_frame_ends_at_a_blank_line_whatever_ends_the_lines() {
    let want = vec![event(Some("42"), Some("thought"), "{\"text\":\"a\"}"), event(None, None, "b")];
    for end in ["\n", "\r\n", "\r"] {
        let text = format!("id: 42{end}event: thought{end}data: {{\"text\":\"a\"}}{end}{end}data:b{end}{end}");
        assert_eq!(decode(text.as_bytes(), 100), want, "{end:?}");
    }
}

#[test]
fn data_lines_are_joined_and_one_leading_space_is_dropped() {
    assert_eq!(decode(b"data:  a\ndata\ndata:b\n\n", 100), vec![event(None, None, " a\n\nb")]);
}

#[test]
fn a_byte_order_mark_is_skipped_only_at_the_start() {
    assert_eq!(decode(b"\xEF\xBB\xBFdata: a\n\n", 100), vec![event(None, None, "a")]);
    assert_eq!(decode(b"data: a\n\n\xEF\xBB\xBFdata: b\n\n", 100), vec![event(None, None, "a")]);
}

#[test]
fn a_comment_is_reported_as_a_sign_of_life() {
    assert_eq!(decode(b": ping\n\n", 100), vec![Frame::Comment]);
}

#[test]
fn a_name_without_data_is_an_event() {
    assert_eq!(decode(b"event: paused\n\n", 100), vec![event(None, Some("paused"), "")]);
}

#[test]
fn an_id_alone_is_not_an_event_and_an_id_with_a_nul_is_ignored() {
    assert_eq!(decode(b"id: 1\n\nid: 2\0\ndata: a\n\n", 100), vec![event(None, None, "a")]);
}

#[test]
fn invalid_utf8_is_replaced_and_kept() {
    assert_eq!(decode(b"data: a\xFFb\n\n", 100), vec![event(None, None, "a\u{FFFD}b")]);
}

#[test]
fn a_giant_event_is_cut_and_the_next_one_is_whole() {
    let text = format!("event: step\ndata: {}\ndata: more\n\ndata: next\n\n", "x".repeat(1000));
    let cut = RawEvent { id: None, name: Some("step".to_owned()), data: "x".repeat(10), truncated: true };
    assert_eq!(decode(text.as_bytes(), 10), vec![Frame::Event(cut), event(None, None, "next")]);
}

#[test]
fn data_of_exactly_the_bound_is_whole() {
    assert_eq!(decode(b"data: 0123456789\n\n", 10), vec![event(None, None, "0123456789")]);
}

#[test]
fn many_lines_cannot_outgrow_the_bound() {
    let text = format!("{}\n", "data: 0123456789\n".repeat(100));
    let frames = decode(text.as_bytes(), 25);
    let [Frame::Event(event)] = frames.as_slice() else { panic!("{frames:?}") };
    assert_eq!((event.data.len(), event.truncated), (25, true));
}

#[test]
fn a_frame_cut_off_by_the_end_is_handed_over_by_finish() {
    assert_eq!(decode(b"event: step\ndata: {\"a\":1}", 100), vec![event(None, Some("step"), "{\"a\":1}")]);
    assert_eq!(decode(b"id: 3\n", 100), vec![]);
}

fn wire() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\xEF\xBB\xBF".to_vec()),
        Just(b"data: ".to_vec()),
        Just(b"data:".to_vec()),
        Just(b"event: step".to_vec()),
        Just(b"id: 7".to_vec()),
        Just(b": note".to_vec()),
        Just("data: Ж{\"text\":\"ü\"}".as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_frames_do_not_depend_on_how_the_bytes_are_split(
        bytes in wire(),
        cuts in proptest::collection::vec(0usize..20, 0..200),
        max in 0usize..40,
    ) {
        let mut frames = Vec::new();
        let mut decoder = Decoder::new(max);
        let mut rest = bytes.as_slice();
        for cut in cuts {
            let (head, tail) = rest.split_at(cut.min(rest.len()));
            decoder.feed(head, &mut frames);
            rest = tail;
        }
        decoder.feed(rest, &mut frames);
        frames.extend(decoder.finish().map(Frame::Event));
        prop_assert_eq!(frames, decode(&bytes, max));
    }
}
