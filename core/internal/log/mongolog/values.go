package mongolog

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	// maxMirrorDepth is within the 100 levels that MongoDB takes.
	maxMirrorDepth = 90
	// maxMirrorBytes lets two documents fit into the 16 MB of one of MongoDB's.
	maxMirrorBytes = 7 << 20
	// JSON shorter than this cannot become larger than maxMirrorBytes: its worst member is a small number in an array.
	surelyFits = maxMirrorBytes / 16
)

// values turns JSON into BSON for the mirror.
type values struct {
	decimals bool // the server has decimal128
}

// document gives a document as BSON, with the order of its keys. One that BSON cannot hold is given as text under
// the key "_json".
func (v values) document(doc core.Doc) any {
	if doc == nil || core.IsNull(doc) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	value, ok := v.value(d, 0)
	if !ok || len(doc) > surelyFits && tooLarge(value) {
		return bson.D{{Key: "_json", Value: string(doc)}}
	}
	return value
}

func tooLarge(value any) bool {
	b, err := bson.Marshal(bson.D{{Key: "v", Value: value}})
	return err != nil || len(b) > maxMirrorBytes
}

// value reads the next value; not ok when it cannot be read or lies too deep.
func (v values) value(d *json.Decoder, depth int) (value any, ok bool) {
	token, err := d.Token()
	if err != nil || depth > maxMirrorDepth {
		return nil, false
	}
	switch t := token.(type) {
	case json.Number:
		return v.number(string(t)), true
	case json.Delim:
		if t == '{' {
			return v.object(d, depth)
		}
		return v.array(d, depth)
	default: // a string, a bool or nil
		return t, true
	}
}

func (v values) array(d *json.Decoder, depth int) (any, bool) {
	a := bson.A{}
	for d.More() {
		item, ok := v.value(d, depth+1)
		if !ok {
			return nil, false
		}
		a = append(a, item)
	}
	_, err := d.Token()
	return a, err == nil
}

func (v values) object(d *json.Decoder, depth int) (any, bool) {
	o, at := bson.D{}, map[string]int{}
	for d.More() {
		token, err := d.Token()
		key, isKey := token.(string)
		if err != nil || !isKey {
			return nil, false
		}
		item, ok := v.value(d, depth+1)
		if !ok {
			return nil, false
		}
		key = safeKey(key)
		if i, twice := at[key]; twice {
			o[i].Value = item
			continue
		}
		at[key] = len(o)
		o = append(o, bson.E{Key: key, Value: item})
	}
	_, err := d.Token()
	return o, err == nil
}

// safeKey alters a key that MongoDB refuses or reads as an operator or a path: a leading $ and every dot become their
// full-width forms ＄ and ．, NUL becomes ␀.
func safeKey(key string) string {
	if strings.HasPrefix(key, "$") {
		key = "＄" + key[1:]
	}
	return unsafeInKeys.Replace(key)
}

var unsafeInKeys = strings.NewReplacer(".", "．", "\x00", "␀")

// number gives a number in the first form that holds it exactly: int64, double, decimal128, else its text.
func (v values) number(s string) any {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return i
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && sameNumber(s, strconv.FormatFloat(f, 'e', -1, 64)) {
		return f
	}
	if d, err := bson.ParseDecimal128(s); err == nil && v.decimals {
		return d
	}
	return s
}

// sameNumber compares two JSON numbers as decimals.
func sameNumber(a, b string) bool {
	digitsA, expA, okA := decimal(a)
	digitsB, expB, okB := decimal(b)
	return okA && okB && digitsA == digitsB && expA == expB
}

// decimal splits a JSON number into its sign and digits without zeros at either end, and the power of ten that they
// are multiplied by.
func decimal(s string) (digits string, exp int, ok bool) {
	mantissa, power := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, power = s[:i], s[i+1:]
	}
	if power != "" {
		var err error
		if exp, err = strconv.Atoi(power); err != nil {
			return "", 0, false
		}
	}
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exp -= len(fraction)
	digits = strings.TrimLeft(whole+fraction, "0")
	trimmed := strings.TrimRight(digits, "0")
	if trimmed == "" {
		return "", 0, true // zero, whatever its sign
	}
	return sign + trimmed, exp + len(digits) - len(trimmed), true
}
