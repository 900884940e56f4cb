package schema

import (
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// formats are the formats of strings that are asserted. Those without a function are told to the admin only.
var formats = map[string]func(string) bool{
	"date": validDate, "date-time": validDateTime, "time": validTime, "duration": validDuration, "edtf": validEDTF,
	"email": validEmail, "idn-email": validEmail, "hostname": validHostname, "idn-hostname": validHostname,
	"uri": validURI, "iri": validURI, "url": validWebAddress, "uri-reference": validURIReference, "iri-reference": validURIReference,
	"uri-template": validURIReference, "uuid": matching(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`),
	"ipv4": validIPv4, "ipv6": validIPv6, "json-pointer": matching(`^(/([^~/]|~[01])*)*$`),
	"relative-json-pointer": matching(`^(0|[1-9][0-9]*)(#|(/([^~/]|~[01])*)*)$`), "regex": validRegex,
	"siren": validSIREN, "siret": validSIRET, "tel": matching(`^\+?[0-9][0-9 .()-]{1,24}$`), "color": matching(`^#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?$`),
	"locale": matching(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`), "slug": matching(slugPattern), "postcode": matching(`^[0-9]{5}$`),
	"territory": matching(`^[0-9A-Z]{1,9}$`), "region": matching(`^[0-9]{2}$`), "departement": matching(`^([0-9]{2}|2[AB]|97[1-8]|98[4-9])$`),
	"epci": matching(`^[0-9]{9}$`), "commune": matching(`^([0-9]{5}|2[AB][0-9]{3})$`),
	"markdown": nil, "html": nil, "textarea": nil, "password": nil,
}

// slugPattern is what a slug looks like when its type does not say.
const slugPattern = `^[a-z0-9]+(-[a-z0-9]+)*$`

func knownFormat(name string) bool {
	_, ok := formats[name]
	return ok
}

func formatNames() []string {
	names := make([]string, 0, len(formats))
	for name := range formats {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func matching(pattern string) func(string) bool { return regexp.MustCompile(pattern).MatchString }

func validDate(s string) bool {
	if len(s) != 10 {
		return false
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func validDateTime(s string) bool {
	if len(s) < 20 || len(s) > 40 || s[10] != 'T' && s[10] != 't' {
		return false
	}
	return validDate(s[:10]) && validTime(s[11:])
}

var timePattern = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)

func validTime(s string) bool { return timePattern.MatchString(s) && (s[6:8] != "60" || leapSecond(s)) }

// leapSecond reports whether second 60 falls at the end of a day in UTC (RFC 3339, 5.7).
func leapSecond(s string) bool {
	zone := strings.LastIndexAny(s, "Zz+-")
	t, err := time.Parse("15:04:05Z07:00", s[:6]+"59"+strings.ToUpper(s[zone:]))
	t = t.UTC()
	return err == nil && t.Hour() == 23 && t.Minute() == 59
}

var durationPattern = regexp.MustCompile(`^P([0-9]+W|([0-9]+Y)?([0-9]+M)?([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+S)?)?)$`)

func validDuration(s string) bool {
	return len(s) <= 40 && durationPattern.MatchString(s) && s != "P" && !strings.HasSuffix(s, "T")
}

// edtfPart is one date of the Extended Date/Time Format (ISO 8601-2), levels 0 and 1.
const edtfPart = `(-?[0-9]{4}|Y-?[0-9]{5,9}|[0-9]{3}X|[0-9]{2}XX)(-([0-9]{2}|XX)(-([0-9]{2}|XX))?)?[?~%]?`

var edtfPattern = regexp.MustCompile(`^(` + edtfPart + `(T[0-9:.]+(Z|[+-][0-9:]+)?)?|(` + edtfPart + `|\.\.)?/(` + edtfPart + `|\.\.)?)$`)

// validEDTF accepts a date of any precision, an interval, and what is uncertain or open about them.
func validEDTF(s string) bool {
	if len(s) > 60 || s == "/" || !edtfPattern.MatchString(s) {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if !validEDTFPart(strings.TrimRight(part, "?~%")) {
			return false
		}
	}
	return true
}

// validEDTFPart checks the month (21 to 41 are seasons, quarters and the like) and the day.
func validEDTFPart(s string) bool {
	s, _, _ = strings.Cut(s, "T")
	pieces := strings.Split(strings.TrimPrefix(s, "-"), "-")
	if len(pieces) > 1 && pieces[1] != "XX" && !(pieces[1] >= "01" && pieces[1] <= "12" || len(pieces) == 2 && pieces[1] >= "21" && pieces[1] <= "41") {
		return false
	}
	if len(s) == 10 && !strings.Contains(s, "X") {
		return validDate(s)
	}
	return len(pieces) < 3 || pieces[2] == "XX" || pieces[2] >= "01" && pieces[2] <= "31"
}

func validEmail(s string) bool {
	if len(s) > 254 || strings.ContainsAny(s, " <>\r\n\t,;") {
		return false
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return false
	}
	at := strings.LastIndexByte(s, '@')
	return at <= 64 && validHostname(s[at+1:])
}

var labelPattern = regexp.MustCompile(`^[\pL\pN]([\pL\pN-]{0,61}[\pL\pN])?$`)

func validHostname(s string) bool {
	if s = strings.TrimSuffix(s, "."); s == "" || len(s) > 253 || !utf8.ValidString(s) {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) > 63 || !labelPattern.MatchString(label) {
			return false
		}
	}
	return true
}

func validURI(s string) bool {
	u, ok := parseAddress(s)
	return ok && u.IsAbs()
}

func validURIReference(s string) bool {
	_, ok := parseAddress(s)
	return ok
}

// validWebAddress accepts what a website may link to.
func validWebAddress(s string) bool {
	u, ok := parseAddress(s)
	return ok && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// parseAddress reads an address; one that a browser would run as a script is none.
func parseAddress(s string) (*url.URL, bool) {
	if len(s) > 2_000 || strings.ContainsFunc(s, isUnsafeInLink) {
		return nil, false
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, false
	}
	switch strings.ToLower(u.Scheme) {
	case "javascript", "vbscript", "data":
		return nil, false
	}
	return u, true
}

func validIPv4(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}

func validIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}

func validRegex(s string) bool {
	_, err := regexp.Compile(s)
	return len(s) <= maxPattern && err == nil
}

func validSIREN(s string) bool { return len(s) == 9 && luhn(s) }

// validSIRET knows that the establishments of La Poste are numbered otherwise: their digits add up to a multiple of five.
func validSIRET(s string) bool {
	if len(s) != 14 {
		return false
	}
	if luhn(s) {
		return true
	}
	return strings.HasPrefix(s, "356000000") && digitSum(s)%5 == 0
}

func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i]) - '0'
		if d < 0 || d > 9 {
			return false
		}
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// digitSum is -1, a multiple of nothing here, when s is not all digits.
func digitSum(s string) int {
	sum := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return -1
		}
		sum += int(c - '0')
	}
	return sum
}
