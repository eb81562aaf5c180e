//! Currencies of ISO 4217 and their minor units.

/// Codes in use (ISO 4217, list one, January 2026) by decimals of the minor unit; funds and
/// metals that have no minor unit are left out.
#[rustfmt::skip]
const BY_DIGITS: [(u32, &[&str]); 4] = [
    (2, &[
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT",
    "BGN", "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF",
    "CHE", "CHF", "CHW", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD",
    "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD",
    "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW",
    "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT",
    "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK",
    "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR",
    "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP",
    "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU",
    "UZS", "VED", "VES", "WST", "XAD", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
    ]),
    (0, &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
    ]),
    (3, &[
    "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND",
    ]),
    (4, &[
    "CLF", "UYW",
    ]),
];

/// Decimals of a currency's minor unit: 2 for EUR, 0 for JPY, 3 for KWD.
/// `None` where the code is not one of ISO 4217 with a minor unit.
pub fn currency_minor_digits(code: &str) -> Option<u32> {
    BY_DIGITS
        .iter()
        .find(|(_, codes)| codes.contains(&code))
        .map(|(digits, _)| *digits)
}

/// Every code.
pub(super) fn currencies() -> impl Iterator<Item = &'static str> {
    BY_DIGITS
        .iter()
        .flat_map(|(_, codes)| codes.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_are_those_of_the_standard() {
        let digits =
            ["EUR", "JPY", "KWD", "CLF", "ISK", "HUF", "eur", "", "XXX"].map(currency_minor_digits);
        let expected = [
            Some(2),
            Some(0),
            Some(3),
            Some(4),
            Some(0),
            Some(2),
            None,
            None,
            None,
        ];
        assert_eq!(digits, expected);
    }

    #[test]
    fn every_code_is_three_capitals_and_stands_once() {
        let mut codes: Vec<_> = currencies().collect();
        assert!(
            codes
                .iter()
                .all(|c| c.len() == 3 && c.bytes().all(|b| b.is_ascii_uppercase()))
        );
        let n = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), n);
    }
}
