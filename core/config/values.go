package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Redacted is how a Secret prints.
const Redacted = "**redacted**"

// Secret is a string that no format, log or encoder shows. Reveal gives it to whom it is for.
type Secret string

// Reveal gives the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret; an empty one is shown as empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Redacted
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText hides the secret from JSON, YAML and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue hides the secret from the log.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Size is a number of bytes, written 64MB, 1GiB or plain.
type Size int64

// String writes the size in the largest unit that keeps it whole.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && u.binary && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// sizeUnits are tried in order; a longer name stands before the one that it ends with.
var sizeUnits = []struct {
	name   string
	bytes  int64
	binary bool
}{
	{"GiB", 1 << 30, true}, {"MiB", 1 << 20, true}, {"KiB", 1 << 10, true},
	{"GB", 1e9, false}, {"MB", 1e6, false}, {"kB", 1e3, false}, {"KB", 1e3, false}, {"B", 1, false},
}

func parseSize(s string) (Size, error) {
	digits, unit := s, int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			digits, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return 0, errors.New("is not a size like 64MB or 1GiB")
	}
	return Size(n * unit), nil
}

// Value reads and prints one setting. It has the methods that flag packages ask for.
type Value interface {
	Set(text string) error
	String() string
	Type() string
}

// value is a Value over a variable of any type.
type value[T any] struct {
	to    *T
	kind  string
	parse func(string) (T, error)
	show  func(T) string
}

func (v value[T]) Set(text string) error {
	parsed, err := v.parse(text)
	if err == nil {
		*v.to = parsed
	}
	return err
}

func (v value[T]) String() string { return v.show(*v.to) }
func (v value[T]) Type() string   { return v.kind }

func text(to *string) Value {
	return value[string]{to, "string", func(s string) (string, error) { return s, nil }, func(s string) string { return s }}
}

func secret(to *Secret) Value {
	return value[Secret]{to, "secret", func(s string) (Secret, error) { return Secret(s), nil }, Secret.String}
}

func size(to *Size) Value { return value[Size]{to, "size", parseSize, Size.String} }

func duration(to *time.Duration) Value {
	return value[time.Duration]{to, "duration", ParseDuration, time.Duration.String}
}

// ParseDuration reads a duration as people write it: as time.ParseDuration does, and with days of 24 hours before the rest,
// 7d or 1d12h. Its error is the end of a sentence about what was written.
func ParseDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 16) // some 180 years
	d := time.Duration(0)
	if rest != "" && err == nil {
		d, err = time.ParseDuration(rest)
	}
	sum := time.Duration(n)*24*time.Hour + d // negative when it is too much for one
	if err != nil || d < 0 || sum < 0 || s == "" {
		return 0, errors.New("is not a duration like 20s, 1m30s or 7d")
	}
	return sum, nil
}

func boolean(to *bool) Value { return value[bool]{to, "bool", parseBool, strconv.FormatBool} }

func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, errors.New("is neither true nor false")
}

func list(to *[]string) Value {
	return value[[]string]{to, "list", parseList, func(l []string) string { return strings.Join(l, ",") }}
}

func parseList(s string) ([]string, error) {
	var items []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items, nil
}

// number is a count: whole, and not negative.
func number(to *int) Value {
	return value[int]{to, "int", parseNumber, strconv.Itoa}
}

func parseNumber(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > math.MaxInt32 {
		return 0, errors.New("is not a whole number")
	}
	return n, nil
}

// pairs is a list of value=name. A value may have an equals sign itself, the name never has.
func pairs(to *map[string]string) Value {
	return value[map[string]string]{to, "list", parsePairs, showPairs}
}

func parsePairs(s string) (map[string]string, error) {
	items, _ := parseList(s)
	m := map[string]string{}
	for _, item := range items {
		at := strings.LastIndexByte(item, '=')
		if at <= 0 || at == len(item)-1 {
			return nil, errors.New("holds " + strconv.Quote(item) + ", which is not value=role")
		}
		m[item[:at]] = item[at+1:]
	}
	return m, nil
}

func showPairs(m map[string]string) string {
	var items []string
	for _, from := range slices.Sorted(maps.Keys(m)) {
		items = append(items, from+"="+m[from])
	}
	return strings.Join(items, ",")
}

// choice is text that must be one of a few words.
func choice(to *string, words ...string) Value {
	parse := func(s string) (string, error) {
		for _, w := range words {
			if s == w {
				return s, nil
			}
		}
		return "", fmt.Errorf("is not one of %s", strings.Join(words, ", "))
	}
	return value[string]{to, "string", parse, func(s string) string { return s }}
}
