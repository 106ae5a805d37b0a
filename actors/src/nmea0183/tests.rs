//! What a decoder promises, sentence by sentence and for input that is none.

use super::*;

const NOW: &str = "2026-05-02T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn decoder() -> Decoder {
    Decoder::new(Options::default())
}

/// A sentence with its checksum.
fn line(body: &str) -> String {
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("${body}*{sum:02X}")
}

fn decode(body: &str) -> Option<Decoded> {
    decoder().decode(line(body).as_bytes(), now()).unwrap()
}

/// The decoded values as `path=json` in order.
fn values(body: &str) -> Vec<String> {
    let decoded = decode(body).map(|decoded| decoded.values).unwrap_or_default();
    decoded.iter().map(|(path, value)| format!("{path}={}", value.to_json())).collect()
}

fn number(body: &str, path: &str) -> f64 {
    let decoded = decode(body).unwrap_or_else(|| panic!("{body} carries data"));
    match decoded.value(path) {
        Some(Value::Number(number)) => *number,
        other => panic!("{body}: {path} is {other:?}"),
    }
}

fn error(body: &str) -> SentenceError {
    decoder().decode(line(body).as_bytes(), now()).expect_err(body)
}

/// SK-216.
#[test]
fn numbers_are_si() {
    let degree = std::f64::consts::PI / 180.0;
    let knot = 1852.0 / 3600.0;
    for (body, path, expected) in [
        ("GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W", "navigation.speedOverGround", 22.4 * knot),
        (
            "GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W",
            "navigation.courseOverGroundTrue",
            84.4 * degree,
        ),
        (
            "GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W",
            "navigation.magneticVariation",
            -3.1 * degree,
        ),
        ("GPVTG,054.7,T,034.4,M,005.5,N,010.2,K", "navigation.courseOverGroundMagnetic", 34.4 * degree),
        ("GPVTG,054.7,T,034.4,M,005.5,N,010.2,K", "navigation.speedOverGround", 10.2 / 3.6),
        ("GPVTG,054.7,T,034.4,M,005.5,N,,K", "navigation.speedOverGround", 5.5 * knot),
        ("HCHDG,359.9,0.5,E,0.6,E", "navigation.headingTrue", 1.0 * degree),
        ("HCHDG,0.1,0.5,W,0.6,W", "navigation.headingMagnetic", 359.6 * degree),
        ("HCHDG,101.1,,,7.1,W", "navigation.headingTrue", 94.0 * degree),
        ("HCHDM,93.8,M", "navigation.headingMagnetic", 93.8 * degree),
        ("HCHDT,93.8,T", "navigation.headingTrue", 93.8 * degree),
        ("TIROT,-35.6,A", "navigation.rateOfTurn", -35.6 * degree / 60.0),
        ("IIVHW,182.4,T,181.7,M,6.0,N,11.1,K", "navigation.speedThroughWater", 6.0 * knot),
        ("IIVHW,,T,,M,,N,7.2,K", "navigation.speedThroughWater", 2.0),
        ("IIVLW,115.2,N,12.3,N", "navigation.log", 115.2 * 1852.0),
        ("IIVLW,115.2,N,12.3,N", "navigation.trip.log", 12.3 * 1852.0),
        ("IIVPW,-4.0,N,,", "performance.velocityMadeGood", -4.0 * knot),
        ("SDDBT,17.0,f,5.1,M,2.8,F", "environment.depth.belowTransducer", 5.1),
        ("SDDBT,10.0,f,,M,,F", "environment.depth.belowTransducer", 3.048),
        ("SDDBS,,f,,M,1,F", "environment.depth.belowSurface", 1.8288),
        ("SDDBK,,f,2.5,M,,F", "environment.depth.belowKeel", 2.5),
        ("SDDPT,4.1,0.5", "environment.depth.belowSurface", 4.6),
        ("SDDPT,4.1,-1.5", "environment.depth.belowKeel", 2.6),
        ("SDDPT,4.1,-1.5", "environment.depth.transducerToKeel", 1.5),
        ("WIMWV,338,R,10.0,N,A", "environment.wind.angleApparent", -22.0 * degree),
        ("WIMWV,338,R,10.0,N,A", "environment.wind.speedApparent", 10.0 * knot),
        ("WIMWV,180,T,36,K,A", "environment.wind.speedTrue", 10.0),
        ("WIMWV,180,T,36,K,A", "environment.wind.angleTrueWater", 180.0 * degree),
        ("IIVWT,180,L,1.0,N,0.51,M,1.85,K", "environment.wind.angleTrueWater", -180.0 * degree),
        ("WIMWV,180,R,10,S,A", "environment.wind.speedApparent", 4.4704),
        ("WIMWD,350.3,T,345,M,5.6,N,2.9,M", "environment.wind.directionTrue", 350.3 * degree),
        ("WIMWD,350.3,T,345,M,5.6,N,,M", "environment.wind.speedTrue", 5.6 * knot),
        ("IIVWR,75,L,1.0,N,0.51,M,1.85,K", "environment.wind.angleApparent", -75.0 * degree),
        ("IIVWT,75,R,1.0,N,0.51,M,1.85,K", "environment.wind.speedTrue", 0.51),
        ("SDMTW,-1.6,C", "environment.water.temperature", 271.55),
        ("WIMTA,68,F", "environment.outside.temperature", 293.15),
        ("IIRPM,E,1,1800,10.5,A", "propulsion.engine_1.revolutions", 30.0),
        ("IIRPM,S,,600,,A", "propulsion.shaft_0.revolutions", 10.0),
        ("IIRSA,-10.5,A,,", "steering.rudderAngle", -10.5 * degree),
        ("GPXTE,A,A,0.5,L,N,D", "navigation.courseRhumbline.crossTrackError", 926.0),
        ("GPXTE,A,A,0.5,R,K", "navigation.courseRhumbline.crossTrackError", -500.0),
        (
            "ECRMB,A,0.66,L,A,B,4917.24,N,12309.57,W,001.5,052.5,-000.5,V",
            "navigation.courseRhumbline.nextPoint.distance",
            2778.0,
        ),
        (
            "ECRMB,A,0.66,L,A,B,4917.24,N,12309.57,W,001.5,052.5,-000.5,V",
            "navigation.courseRhumbline.nextPoint.velocityMadeGood",
            -0.5 * knot,
        ),
        (
            "GPAPB,A,A,0.10,R,N,V,V,011,M,DEST,012,T,013,M",
            "navigation.courseRhumbline.nextPoint.bearingTrue",
            12.0 * degree,
        ),
        ("GPAPB,A,A,0.10,R,N,V,V,011,M,DEST,012,T,013,M", "steering.autopilot.target.headingMagnetic", 13.0 * degree),
        (
            "GPBWC,081837,5130.02,N,00046.34,W,213.8,T,218.0,M,0004.5,N,EGLM",
            "navigation.courseGreatCircle.nextPoint.distance",
            8334.0,
        ),
        ("WIMDA,,I,1.016,B,15.0,C,12.0,C,55.2,,10.1,C,,T,,M,10.2,N,5.2,M", "environment.outside.humidity", 0.552),
        ("WIMDA,30,I,,B,,C,,C,,,,C,,T,,M,,N,,M", "environment.outside.pressure", 101591.67),
        ("IIXDR,C,19.5,C,TempAir,P,1.02481,B,Barometer", "environment.outside.pressure", 102481.0),
        ("IIXDR,U,12.8,V,BATT#1", "electrical.batteries.1.voltage", 12.8),
        ("YXXDR,V,40,P,FUEL#0,T,1500,R,ENGINE#0", "tanks.fuel.0.currentLevel", 0.4),
    ] {
        let value = number(body, path);
        assert!((value - expected).abs() <= expected.abs() * 1e-12 + 1e-12, "{body}: {path} = {value}, not {expected}");
    }
}

#[test]
fn a_full_sentence_gives_all_its_values() {
    for (body, expected) in [
        (
            "GPGGA,172814.5,3723.46587704,N,12202.26957864,W,2,6,1.2,18.893,M,-25.669,M,2.0,0031",
            vec![
                r#"navigation.position={"latitude":37.39109795066667,"longitude":-122.03782631066667}"#,
                r#"navigation.gnss.methodQuality="DGNSS fix""#,
                "navigation.gnss.satellites=6",
                "navigation.gnss.antennaAltitude=18.893",
                "navigation.gnss.horizontalDilution=1.2",
                "navigation.gnss.geoidalSeparation=-25.669",
                "navigation.gnss.differentialAge=2",
                "navigation.gnss.differentialReference=31",
            ],
        ),
        ("GPZDA,160012.71,11,03,2004,-1,00", vec![r#"navigation.datetime="2004-03-11T16:00:12.710Z""#]),
        ("GPZDA,235960,31,12,16,,", vec![r#"navigation.datetime="2017-01-01T00:00:00.000Z""#]),
        ("IIVDR,,T,180,M,0,N", vec![r#"environment.current={"setMagnetic":3.141592653589793,"drift":0}"#]),
        (
            "IIXDR,A,180,D,PTCH,A,-180,D,HEEL,A,0,D,WHAT",
            vec![r#"navigation.attitude={"roll":-3.141592653589793,"pitch":3.141592653589793}"#],
        ),
        (
            // A kind and a unit that nobody has agreed on.
            "IIXDR,XX,1,D,ROLL,C,20,CC,AIR,A,180,D,PTCH,U,12.5,V,BATT#1",
            vec![r#"electrical.batteries.1.voltage=12.5"#, r#"navigation.attitude={"pitch":3.141592653589793}"#],
        ),
        (
            "GNGNS,014035.00,4330.0,S,17230.0,E,NAD,13,0.9,25.63,11.24,,,C",
            vec![
                r#"navigation.position={"latitude":-43.5,"longitude":172.5}"#,
                r#"navigation.gnss.methodQuality="DGNSS fix""#,
                "navigation.gnss.satellites=13",
                "navigation.gnss.antennaAltitude=25.63",
                "navigation.gnss.horizontalDilution=0.9",
                "navigation.gnss.geoidalSeparation=11.24",
                r#"navigation.gnss.integrity="Caution""#,
            ],
        ),
        (
            "GPGSA,A,3,16,23,13,29,,,,,,,,,3.11,2.95,0.99",
            vec!["navigation.gnss.positionDilution=3.11", "navigation.gnss.horizontalDilution=2.95"],
        ),
    ] {
        assert_eq!(values(body), expected, "{body}");
    }
}

#[test]
fn arrival_is_an_alarm_and_its_end_is_null() {
    let body = "GPAPB,A,A,0.10,L,N,A,V,000,T,H\u{c4}N,000,T,000,T";
    let decoded = decoder().decode(line(body).as_bytes(), now()).unwrap().unwrap();
    let entered = decoded.value("notifications.arrivalCircleEntered").unwrap().to_json();
    assert_eq!(
        entered,
        r#"{"state":"alarm","method":["visual","sound"],"message":"Inside the arrival circle of HÄN"}"#
    );
    assert_eq!(decoded.value("notifications.perpendicularPassed"), Some(&Value::Null));
}

#[test]
fn empty_is_not_zero() {
    for body in [
        "GPXTE,A,A,,R,N,D",
        "IIVDR,,,,,,N",
        "TIROT,,A",
        "IIRPM,E,1,,,A",
        "WIMWV,,R,,N,A",
        "GPRMB,A,,,,,,,,,,,,V",
        "GPAPB,A,A,,R,N,V,V,,M,DEST,,M,,M",
        "GPGSV,,,,,,,,,,,,,,,,,,,",
        "IIHDT,,T",
        "GPVTG,,T,,M,,N,,K",
        "GPZDA,095559,,,,00,",
        "GPGGA,,,,,,,,,,,,,,",
        "IIXDR,A,,D,ROLL",
        "IIMWD,,,,,08.16,N,04.20,M",
    ] {
        assert_eq!(decode(body), None, "{body}");
    }
    assert_eq!(values("SDDBT,,f,,M,,F"), ["environment.depth.belowTransducer=null"]);
    assert_eq!(values("GPGLL,,,,,095559,A"), ["navigation.position=null"]);
    assert_eq!(values("WIMWV,,R,10,M,A"), ["environment.wind.speedApparent=10"]);
}

#[test]
fn void_sentences_withdraw_or_say_nothing() {
    let withdrawn = [
        "navigation.position=null",
        "navigation.courseOverGroundTrue=null",
        "navigation.speedOverGround=null",
        "navigation.magneticVariation=null",
    ];
    for body in [
        "GPRMC,123519,V,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W",
        "GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W,N",
        "GPRMC,,V,,,,,,,,,,N",
    ] {
        assert_eq!(values(body), withdrawn, "{body}");
        assert_eq!(decode(body).unwrap().timestamp, None, "{body}");
    }
    assert_eq!(
        values("GPGGA,172814,,,,,0,0,,,M,,M,,"),
        ["navigation.position=null", r#"navigation.gnss.methodQuality="no GPS""#]
    );
    assert_eq!(
        values("GPVTG,054.7,T,034.4,M,005.5,N,010.2,K,N"),
        [
            "navigation.courseOverGroundMagnetic=null",
            "navigation.courseOverGroundTrue=null",
            "navigation.speedOverGround=null"
        ]
    );
    for body in [
        "GPGLL,6005.071,N,02332.346,E,095559,V,N",
        "WIMWV,10,R,5,N,V",
        "TIROT,35.6,V",
        "GPXTE,V,A,0.67,L,N",
        "GPAPB,A,V,0.10,R,N,V,V,011,M,DEST,011,M,011,M",
        "ECRMB,V,0.66,L,003,004,4917.24,N,12309.57,W,001.3,052.5,000.5,V",
        "IIRPM,E,1,1800,10,V",
        "IIRSA,5,V,,",
    ] {
        assert_eq!(decode(body), None, "{body}");
    }
}

#[test]
fn a_satellite_list_is_given_when_complete() {
    let mut decoder = decoder();
    let mut feed = |body: &str| decoder.decode(line(body).as_bytes(), now()).unwrap();
    assert_eq!(feed("GPGSV,2,1,05,05,0,000,46,07,0,180,,12,90,000,33,13,,,30"), None);
    // Another constellation in between does not disturb the list.
    let glonass = feed("GLGSV,1,1,01,65,00,000,46").unwrap();
    assert_eq!(
        glonass.values[0].1.to_json(),
        r#"{"count":1,"satellites":[{"id":1,"elevation":0,"azimuth":0,"SNR":46}],"gnss":"GLONASS"}"#
    );
    let gps = feed("GPGSV,2,2,05,20,00,0,41").unwrap();
    assert_eq!(
        gps.values[0].1.to_json(),
        concat!(
            r#"{"count":5,"satellites":[{"id":5,"elevation":0,"azimuth":0,"SNR":46},"#,
            r#"{"id":7,"elevation":0,"azimuth":3.141592653589793,"SNR":0},"#,
            r#"{"id":12,"elevation":1.5707963267948966,"azimuth":0,"SNR":33},"#,
            r#"{"id":13,"SNR":30},{"id":20,"elevation":0,"azimuth":0,"SNR":41}],"gnss":"GPS"}"#
        )
    );
    assert_eq!(feed("GPGSV,3,1,09,05,40,083,46"), None);
    assert_eq!(feed("GPGSV,3,3,09,05,40,083,46"), None, "a list with a gap is not given");
    assert!(matches!(error("GPGSV,99,1,05,05,40,083,46"), SentenceError::Malformed { field: 1, .. }));
}

#[test]
fn times_are_completed_with_the_date_the_receiver_told() {
    let mut decoder = decoder();
    let mut time = |body: &str| decoder.decode(line(body).as_bytes(), now()).unwrap().unwrap().timestamp;
    let instant = |text: &str| Some(text.parse().unwrap());
    assert_eq!(time("GPGLL,6005.071,N,02332.346,E,115959,A"), instant("2026-05-02T11:59:59Z"));
    assert_eq!(time("GPRMC,235958.25,A,6005.071,N,02332.346,E,1,2,030414,,,A"), instant("2014-04-03T23:59:58.25Z"));
    assert_eq!(time("GPGLL,6005.071,N,02332.346,E,000001.5,A"), instant("2014-04-04T00:00:01.5Z"));
    assert_eq!(
        time("GPGGA,000002,6005.071,N,02332.346,E,1,6,1.2,18.893,M,-25.669,M,,"),
        instant("2014-04-04T00:00:02Z")
    );
    assert_eq!(time("GPRMC,000003,A,6005.071,N,02332.346,E,1,2,,,,A"), instant("2014-04-04T00:00:03Z"));
}

#[test]
fn tag_blocks_name_source_and_time() {
    let mut decoder = decoder();
    let mut feed = |text: &str| decoder.decode(text.as_bytes(), now());
    let decoded = feed(r"\s:airmar dst800,c:1438489697*13\$SDDBT,17.0,f,5.1,M,2.8,F*3E").unwrap().unwrap();
    assert_eq!(decoded.talker, "airmar dst800");
    assert_eq!(decoded.sentence, "DBT");
    assert_eq!(decoded.timestamp, Some("2015-08-02T04:28:17Z".parse().unwrap()));
    let decoded = feed(r"\g:1-2-34,c:1438489697123*00\\n:5*00\$SDDBT,17.0,f,5.1,M,2.8,F*3E").unwrap().unwrap();
    assert_eq!(decoded.talker, "SD");
    assert_eq!(decoded.timestamp, Some("2015-08-02T04:28:17.123Z".parse().unwrap()));
    for broken in [r"\s:a", r"\c:noon*00\$SDDBT,17.0,f,5.1,M,2.8,F*3E", r"\"] {
        assert_eq!(feed(broken), Err(SentenceError::TagBlock), "{broken}");
    }
}

/// SK-217.
#[test]
fn a_bad_checksum_drops_the_sentence_when_validation_is_on() {
    let good = b"$SDDBT,17.0,f,5.1,M,2.8,F*3E";
    let unchecked = || Decoder::new(Options { validate_checksum: false, ..Options::default() });
    for (line, error) in [
        (&b"$SDDBT,17.0,f,5.1,M,2.8,F*3F"[..], SentenceError::Checksum { computed: 0x3E, given: 0x3F }),
        (b"$SDDBT,17.0,f,5.1,M,2.8,F", SentenceError::NoChecksum),
        (b"$SDDBT,17.0,f,5.1,M,2.8,F*3", SentenceError::NoChecksum),
        (b"$SDDBT,17.0,f,5.1,M,2.8,F*+3", SentenceError::NoChecksum),
    ] {
        assert_eq!(decoder().decode(line, now()), Err(error));
        let values = unchecked().decode(line, now()).unwrap().unwrap().values;
        assert_eq!(values, decoder().decode(good, now()).unwrap().unwrap().values);
    }
    assert!(decoder().decode(b"$SDDBT,17.0,f,5.1,M,2.8,F*3e\r\n", now()).unwrap().is_some());
}

#[test]
fn lines_that_are_good_but_not_for_us() {
    for body in ["PGRME,15.0,M,45.0,M,25.0,M", "XXFOO,1,2", "GPWCV,2.3,N,ABC", "A,1", "GPQ,1", "CCGPQ,RMC"] {
        assert_eq!(decode(body), None, "{body}");
    }
    assert_eq!(decoder().decode(b"  \r\n", now()), Ok(None));
    // An AIS message about the radio link.
    assert_eq!(decoder().decode(b"!AIVDM,1,1,,A,D03OwphiIN>4,0*25", now()), Ok(None));
    assert_eq!(decode("02MWV,327.6,R,1.89,N,A").unwrap().talker, "02");
    let mut ignoring = Decoder::new(Options { ignored_sentences: vec!["dbt".into()], ..Options::default() });
    assert_eq!(ignoring.decode(b"$SDDBT,17.0,f,5.1,M,2.8,F*3E", now()), Ok(None));
}

#[test]
fn bad_lines_are_refused_with_what_is_wrong() {
    let megabyte = vec![b'A'; 1 << 20];
    for (line, kind) in [
        (&b"$"[..], "notASentence"),
        (b"!", "notASentence"),
        (b"$$$*00", "notASentence"),
        (b"$,,,*00", "notASentence"),
        (b"hello", "notASentence"),
        (b"\xff\xfe\x00", "notASentence"),
        (b"{\"updates\":[]}", "notASentence"),
        (b"$GPRMC,1235", "noChecksum"),
        (b"$GPRMC,1235*", "noChecksum"),
        (b"$GPRMC,12\xff\xfe*00", "checksum"),
        (b"\\s:\xff", "tagBlock"),
        (&megabyte, "tooLong"),
    ] {
        let error = decoder().decode(line, now()).unwrap_err();
        assert_eq!(error.kind(), kind, "{}", String::from_utf8_lossy(&line[..line.len().min(40)]));
        assert!(error.to_string().contains(':'), "{error} says what to do");
    }
    assert!(matches!(error("GPAPB,\u{7}"), SentenceError::NotText { position: 7, byte: 7 }));
}

#[test]
fn fields_that_cannot_be_are_named() {
    for (body, field) in [
        ("GPRMC,123519,A,4807.038,N,01131.000,E,abc,084.4,230394,003.1,W", 7),
        ("GPRMC,123519,A,4807.038,N,01131.000,E,NaN,084.4,230394,003.1,W", 7),
        ("GPRMC,123519,A,4807.038,N,01131.000,E,inf,084.4,230394,003.1,W", 7),
        ("GPRMC,123519,A,4807.038,N,01131.000,E,1e5,084.4,230394,003.1,W", 7),
        ("GPRMC,123519,A,4807.038,N,01131.000,E,1.2.3,084.4,230394,003.1,W", 7),
        ("GPRMC,123519,A,4807.038,N,01131.000,E,--1,084.4,230394,003.1,W", 7),
        ("GPRMC,123519,A,4807.038,X,01131.000,E,022.4,084.4,230394,003.1,W", 4),
        ("GPRMC,123519,A,4807.038,E,01131.000,N,022.4,084.4,230394,003.1,W", 4),
        ("GPRMC,123519,A,9007.038,N,01131.000,E,022.4,084.4,230394,003.1,W", 3),
        ("GPRMC,123519,A,4860.000,N,01131.000,E,022.4,084.4,230394,003.1,W", 3),
        ("GPRMC,123519,A,-4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W", 3),
        ("GPRMC,123519,A,4807.038,N,18131.000,E,022.4,084.4,230394,003.1,W", 5),
        ("GPRMC,123519,A,4807.038,N,01131.000,E,022.4,400.4,230394,003.1,W", 8),
        ("GPRMC,253519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W", 1),
        ("GPRMC,12351,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W", 1),
        ("GPRMC,123519x,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W", 1),
        ("GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,310294,003.1,W", 9),
        ("GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,2303944,003.1,W", 9),
        ("GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,", 11),
        ("GPZDA,160012,31,02,2004,,", 2),
        ("GPZDA,160012,31,12,99999,,", 4),
        ("GPZDA,160012,31,12,1979,,", 4),
        ("GPZDA,160012,31,12,150,,", 4),
        ("GPRMC,123519,A,48-7.038,N,01131.000,E,022.4,084.4,230394,003.1,W", 3),
        ("GPRMC,123519,A,48+7.038,N,01131.000,E,022.4,084.4,230394,003.1,W", 3),
        ("GPRMC,123519,A,4860.000,N,01131.000,E,022.4,084.4,230394,003.1,W", 3),
        ("GPRMC,123519,A,4807.038,N,011-1.000,E,022.4,084.4,230394,003.1,W", 5),
        ("GPRMC,123519,A,.5,N,01131.000,E,022.4,084.4,230394,003.1,W", 3),
        ("SDDBT,,f,9999999999999.9,M,,F", 3),
        ("IIXDR,U,12.5,V,BATT#1234", 4),
        ("IIXDR,A,1,D,ROLL,C,80,C,ENGINE#0000000000001", 8),
        ("IIRPM,E,1000,500,,A", 2),
        ("HCHDG,181.7,1.0,,0.6,E", 3),
        ("WIMWV,10,,5,N,A", 2),
        ("WIMWV,10,R,5,X,A", 4),
        ("SDMTW,12,X", 2),
        ("IIRPM,Q,1,500,,A", 1),
        ("IIRPM,E,-1,500,,A", 2),
        ("GPXTE,A,A,0.67,,N", 4),
        ("GPXTE,A,A,0.67,L,Q", 5),
        ("GPVTG,054.7,034.4,005.5,010.2", 2),
        ("GPAPB,A,A,0.10,R,N,V,V,011,,DEST,012,T,013,M", 9),
        ("GPGGA,172814,3723.46,N,12202.26,W,good,6,1.2,18.893,M,-25.669,M,2.0,0031", 6),
    ] {
        match error(body) {
            SentenceError::Malformed { field: found, ref sentence, .. } => {
                assert_eq!((found, sentence.as_str()), (field, &body[2..5]), "{body}");
            }
            other => panic!("{body}: {other}"),
        }
    }
    // As Latin-1 this byte begins a command to a terminal.
    let mut decoder = Decoder::new(Options { validate_checksum: false, ..Options::default() });
    for garbled in [b"$HCHDT,\x9b2J\xff,T".as_slice(), "$HCHDT,\u{9b}2J,T".as_bytes()] {
        let text = decoder.decode(garbled, now()).expect_err("no number").to_string();
        assert!(text.contains('\u{fffd}') && !text.contains(char::is_control), "{text:?}");
    }
    let long = error(&format!("HCHDT,{}", "9x".repeat(500)));
    assert!(long.to_string().len() < 250, "{long}");
}

/// Every three-letter id, with fields cut off or replaced, and plain noise: errors are fine, panics are not, and no
/// number that is not finite comes out.
#[test]
fn random_input_never_panics() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let ids: Vec<&str> = "APB BOD BWC BWR DBK DBS DBT DPT GGA GLL GNS GSA GSV HDG HDM HDT HSC MDA MTA MTW MWD MWV RMB \
        RMC ROT RPM RSA VDR VHW VLW VPW VTG VWR VWT XDR XTE ZDA"
        .split_whitespace()
        .collect();
    let scraps = [
        "",
        "A",
        "V",
        "N",
        "T",
        "M",
        "R",
        "L",
        "E",
        "W",
        "S",
        "K",
        "C",
        "0",
        "1",
        "2",
        "-1",
        "60",
        "359.9",
        "-0.0",
        "4807.038",
        "01131.000",
        "123519",
        "235960",
        "230394",
        "9999999999999999999999",
        ".",
        "-",
        "+",
        "..",
        "1e308",
        "ä",
        "BARO",
        "ENGINE#1",
        "\u{1}",
        "00000000000000000000000000000000000001",
        "99",
        "31",
        "12",
        "2004",
    ];
    let mut checked = decoder();
    let mut unchecked = Decoder::new(Options { validate_checksum: false, ..Options::default() });
    let mut decoded = 0;
    for _ in 0..200_000 {
        let mut body = format!("GP{}", ids[random(ids.len())]);
        for _ in 0..random(24) {
            body.push(',');
            body.push_str(scraps[random(scraps.len())]);
        }
        if let Ok(Some(found)) = checked.decode(line(&body).as_bytes(), now()) {
            decoded += 1;
            for (path, value) in &found.values {
                assert!(!path.is_empty());
                assert!(!matches!(value, Value::Number(number) if !number.is_finite()), "{body}: {path}");
            }
        }
        let noise: Vec<u8> = (0..random(60)).map(|_| u8::try_from(random(256)).unwrap()).collect();
        let _ = checked.decode(&noise, now());
        let mut cut = line(&body).into_bytes();
        cut.truncate(random(cut.len()));
        cut.extend(&noise);
        let _ = unchecked.decode(&cut, now());
    }
    assert!(decoded > 10_000, "the generator makes enough sentences that decode: {decoded}");
}
