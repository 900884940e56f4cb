package catalog

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Keys are how values stand in columns: unsigned numbers that compare as the values do. Strings and references
// have codes of a dictionary instead.

func intKey(v int64) uint64 { return clampKey(uint64(v) ^ 1<<63) }

func keyInt(k uint64) int64 { return int64(k ^ 1<<63) }

func floatKey(f float64) uint64 {
	b := math.Float64bits(f + 0) // -0 becomes 0
	if b>>63 == 1 {
		return clampKey(^b)
	}
	return clampKey(b | 1<<63)
}

func keyFloat(k uint64) float64 {
	if k>>63 == 1 {
		return math.Float64frombits(k &^ (1 << 63))
	}
	return math.Float64frombits(^k)
}

// timeKey keeps microseconds: 292,000 years around 1970.
func timeKey(t time.Time) uint64 { return intKey(t.UnixMicro()) }

func keyTime(k uint64) time.Time { return time.UnixMicro(keyInt(k)).UTC() }

func boolKey(b bool) uint64 {
	if b {
		return 2
	}
	return 1
}

func clampKey(k uint64) uint64 { return min(max(k, leastKey), greatestKey) }

// coded reports whether the column's keys are codes of a dictionary.
func (s *spec) coded() bool {
	return s.kind == core.KindString || s.referring()
}

// referring reports whether the column's keys are entry numbers.
func (s *spec) referring() bool { return s.kind == core.KindRef || s.kind == core.KindMedia }

// narrow reports whether 32 bits hold every key.
func (s *spec) narrow() bool {
	return s.coded() || s.kind == core.KindBoolean || s.kind == core.KindJSON
}

// rounding says which way a number goes that falls between two values of the column.
type rounding int

const (
	roundDown rounding = iota
	roundUp
	roundNever
)

// key gives the key of a value out of a document, a query or a cursor. It is not for coded columns.
func (s *spec) key(v any, r rounding) (uint64, bool) {
	switch s.kind {
	case core.KindInteger:
		return integerKey(v, r)
	case core.KindNumber:
		f, ok := number(v)
		return floatKey(f), ok
	case core.KindBoolean:
		b, ok := v.(bool)
		return boolKey(b), ok
	case core.KindTime, core.KindDate:
		t, ok := instant(v)
		return timeKey(t), ok
	case core.KindJSON:
		return 1, v != nil
	}
	return 0, false
}

func integerKey(v any, r rounding) (uint64, bool) {
	switch v := v.(type) {
	case int64:
		return intKey(v), true
	case int:
		return intKey(int64(v)), true
	case json.Number:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return intKey(n), true
		}
	}
	f, ok := number(v)
	if !ok || (r == roundNever && f != math.Trunc(f)) {
		return 0, false
	}
	if r == roundUp {
		return intKey(saturated(math.Ceil(f))), true
	}
	return intKey(saturated(math.Floor(f))), true
}

func saturated(f float64) int64 {
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}

// instant reads a time as documents, queries and cursors write it.
func instant(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		for _, form := range [...]string{time.RFC3339Nano, time.DateOnly} {
			if t, err := time.Parse(form, v); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// value gives back what a key stands for, as JSON has it. It is not for coded columns.
func (s *spec) value(key uint64) any {
	switch s.kind {
	case core.KindInteger:
		return keyInt(key)
	case core.KindNumber:
		return keyFloat(key)
	case core.KindBoolean:
		return key == 2
	case core.KindDate:
		return keyTime(key).Format(time.DateOnly)
	case core.KindTime:
		return keyTime(key).Format(time.RFC3339Nano)
	}
	return true
}
