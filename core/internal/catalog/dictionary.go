package catalog

import (
	"bytes"
	"cmp"
	"slices"
	"sort"
	"strings"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/palabre-cms/palabre/core/internal/folding"
)

// dictionary numbers the distinct strings of a field: columns hold the numbers (codes). It only grows. One
// goroutine at a time may add, and none may read then; readers may be many.
//
// The order of its values and their folded text are made when first asked for, and brought up to date by
// the first reader that asks after values were added.
type dictionary struct {
	values []string
	hashes hashes
	text   strings.Builder // where new values lie, one after another
	plain  bool            // ordered by bytes instead of by the French dictionary
	ranks  ranks
	folded folded
}

func newDictionary(plain bool) *dictionary {
	return &dictionary{plain: plain, hashes: newHashes()}
}

// code gives the code of a value, which it adds when it is new.
func (d *dictionary) code(value []byte) uint32 {
	h := d.hashes.of(value)
	at, found := d.probe(h, value)
	if found {
		return d.hashes.code(at)
	}
	return d.add(at, h, d.keep(value))
}

// codeOf is code for a string.
func (d *dictionary) codeOf(value string) uint32 {
	if code, ok := d.find(value); ok {
		return code
	}
	return d.code([]byte(value))
}

func (d *dictionary) add(at int, h uint32, value string) uint32 {
	code := uint32(len(d.values))
	d.values = append(d.values, value)
	d.hashes.put(at, h, code)
	return code
}

const textChunk = 64 << 10

// keep copies a value to where many lie together: an allocation for each would cost more than the value.
func (d *dictionary) keep(value []byte) string {
	if len(value) > textChunk/16 {
		return string(value)
	}
	if d.text.Cap()-d.text.Len() < len(value) {
		d.text = strings.Builder{}
		d.text.Grow(min(textChunk, 1<<8+len(d.values)*16+len(value)))
	}
	from := d.text.Len()
	d.text.Write(value)
	return d.text.String()[from:]
}

// set gives a value a code of the caller's choice, leaving the ones before it to be set later.
func (d *dictionary) set(code uint32, value string) {
	for int(code) >= len(d.values) {
		d.values = append(d.values, "")
	}
	h := d.hashes.of([]byte(value))
	at, found := d.probe(h, []byte(value))
	if found && d.hashes.code(at) == code {
		return
	}
	d.values[code] = value
	d.hashes.put(at, h, code)
}

// find gives the code of a value that is there.
func (d *dictionary) find(value string) (uint32, bool) {
	at, found := d.probe(d.hashes.of([]byte(value)), []byte(value))
	if !found {
		return 0, false
	}
	return d.hashes.code(at), true
}

// probe gives the place of a value in the hash table, or where it would go.
func (d *dictionary) probe(h uint32, value []byte) (at int, found bool) {
	for at = d.hashes.first(h); ; at = d.hashes.next(at) {
		cell := d.hashes.cells[at]
		if cell == 0 {
			return at, false
		}
		if uint32(cell>>32) == h && d.values[uint32(cell)-1] == string(value) {
			return at, true
		}
	}
}

// ranks is the order of a dictionary's values: a label for each code, so that labels compare as the values do. Labels are
// even and spread out, so that a new value finds room between its neighbours, and an odd number is the
// place of a value that is not there.
type ranks struct {
	mu     sync.Mutex
	sorted []uint32 // codes, by value
	labels []uint64 // by code
	by     *collate.Collator
	keys   [2]collate.Buffer
}

const (
	leastLabel    = uint64(1) << 40 // of a spread; smaller ones are for what is added before its first value
	greatestLabel = uint64(1) << 62
	labelStep     = uint64(1) << 32 // between a last value and one appended to it
)

// labels gives the label of each code.
func (d *dictionary) labels() []uint64 {
	r := &d.ranks
	r.mu.Lock()
	defer r.mu.Unlock()
	if fresh := len(d.values) - len(r.labels); fresh > 0 {
		d.rank(fresh)
	}
	return r.labels
}

// label gives the place of any value in the order: the value's label when it is there, else an odd number between those
// of its neighbours.
func (d *dictionary) label(value string) uint64 {
	labels := d.labels()
	if code, ok := d.find(value); ok {
		return labels[code]
	}
	r := &d.ranks
	r.mu.Lock()
	defer r.mu.Unlock()
	i := sort.Search(len(r.sorted), func(i int) bool { return d.compare(d.values[r.sorted[i]], value) > 0 })
	if i == 0 {
		return 1
	}
	return labels[r.sorted[i-1]] + 1
}

// rank brings the labels up to date with the values added since.
func (d *dictionary) rank(fresh int) {
	r := &d.ranks
	if fresh > len(r.sorted)/4 {
		r.sorted = d.sortAll()
		r.labels = make([]uint64, len(d.values))
		r.spread()
		return
	}
	added := make([]uint32, fresh)
	for i := range added {
		added[i] = uint32(len(r.labels) + i)
	}
	r.labels = append(r.labels, make([]uint64, fresh)...)
	slices.SortFunc(added, func(a, b uint32) int { return d.compare(d.values[a], d.values[b]) })
	if !d.insert(added) {
		r.spread()
	}
}

// spread gives every code a new label, evenly.
func (r *ranks) spread() {
	step := min((greatestLabel-leastLabel)/uint64(len(r.sorted)+1), labelStep) &^ 1
	for i, code := range r.sorted {
		r.labels[code] = leastLabel + uint64(i)*step
	}
}

// insert puts sorted new codes among the sorted ones and labels them. It reports whether there was room for the labels.
func (d *dictionary) insert(added []uint32) bool {
	r := &d.ranks
	at := make([]int, len(added))
	for i, code := range added {
		value := d.values[code]
		at[i] = sort.Search(len(r.sorted), func(k int) bool { return d.compare(d.values[r.sorted[k]], value) > 0 })
	}
	old := len(r.sorted)
	r.sorted = append(r.sorted, added...)
	for i, end := len(added)-1, old; i >= 0; i-- {
		copy(r.sorted[at[i]+i+1:], r.sorted[at[i]:end])
		r.sorted[at[i]+i] = added[i]
		end = at[i]
	}
	for i := 0; i < len(added); {
		n := 1
		for i+n < len(added) && at[i+n] == at[i] {
			n++
		}
		if !r.labelRun(at[i]+i, n) {
			return false
		}
		i += n
	}
	return true
}

// labelRun labels n new codes that stand at an index of sorted, between two labelled neighbours.
func (r *ranks) labelRun(at, n int) bool {
	low := uint64(0)
	if at > 0 {
		low = r.labels[r.sorted[at-1]]
	}
	high := low + labelStep*uint64(n+1)
	if at+n < len(r.sorted) {
		high = r.labels[r.sorted[at+n]]
	}
	step := (high - low) / uint64(n+1) &^ 1
	if step < 2 || high > greatestLabel {
		return false
	}
	for i := range n {
		r.labels[r.sorted[at+i]] = low + step*uint64(i+1)
	}
	return true
}

// compare orders two values. Only the holder of ranks.mu may call it.
func (d *dictionary) compare(a, b string) int {
	if d.plain || a == b {
		return strings.Compare(a, b)
	}
	r := &d.ranks
	if r.by == nil {
		r.by = frenchOrder()
	}
	ka, kb := r.by.KeyFromString(&r.keys[0], a), r.by.KeyFromString(&r.keys[1], b)
	c := bytes.Compare(ka, kb)
	r.keys[0].Reset()
	r.keys[1].Reset()
	if c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func frenchOrder() *collate.Collator { return collate.New(language.French) }

// sortAll gives every code in the order of its value.
func (d *dictionary) sortAll() []uint32 {
	sorted := make([]uint32, len(d.values))
	for i := range sorted {
		sorted[i] = uint32(i)
	}
	if d.plain {
		slices.SortFunc(sorted, func(a, b uint32) int { return strings.Compare(d.values[a], d.values[b]) })
		return sorted
	}
	keys := d.collationKeys()
	slices.SortFunc(sorted, func(a, b uint32) int {
		return cmp.Or(strings.Compare(keys[a], keys[b]), strings.Compare(d.values[a], d.values[b]))
	})
	return sorted
}

// collationKeys makes the key of each value, on two cores.
func (d *dictionary) collationKeys() []string {
	keys := make([]string, len(d.values))
	half := len(keys) / 2
	var wait sync.WaitGroup
	wait.Go(func() { fillKeys(keys[:half], d.values[:half]) })
	fillKeys(keys[half:], d.values[half:])
	wait.Wait()
	return keys
}

func fillKeys(keys, values []string) {
	by := frenchOrder()
	var buf collate.Buffer
	for i, v := range values {
		keys[i] = string(by.KeyFromString(&buf, v))
		buf.Reset()
	}
}

// folded is the text of all values, folded and one after another with a separator that no text contains, so that
// one search goes over all of them.
type folded struct {
	mu   sync.Mutex
	text []byte
	ends []uint32 // by code: where its text ends, before the separator
}

const foldSeparator = 0xff // no byte of UTF-8

func (d *dictionary) foldedText() ([]byte, []uint32) {
	f := &d.folded
	f.mu.Lock()
	defer f.mu.Unlock()
	for code := len(f.ends); code < len(d.values); code++ {
		f.text = append(f.text, folding.Fold(d.values[code])...)
		f.ends = append(f.ends, uint32(len(f.text)))
		f.text = append(f.text, foldSeparator)
	}
	return f.text, f.ends
}

// containing gives the codes of the values that contain a text, or begin with it.
func (d *dictionary) containing(part string, prefix bool) bitset {
	found := newBitset(len(d.values))
	text, ends := d.foldedText()
	needle := []byte(folding.Fold(part))
	if prefix {
		d.beginning(found, text, ends, needle)
		return found
	}
	mark := rarest(needle)
	for at, code := 0, 0; at < len(text); {
		next := index(text[at:], needle, mark)
		if next < 0 {
			break
		}
		at += next
		code = reaching(ends, code, uint32(at))
		found.set(uint32(code))
		at = int(ends[code]) + 1
	}
	return found
}

// common lists the bytes of French text, the most frequent first.
const common = " esaitnrulodcpmvqfgbh'-0123xj456789zyk.,w"

// rarest gives the place of a needle's rarest byte: looking for that one byte is what processors are fastest at.
func rarest(needle []byte) int {
	best, place := -1, 0
	for i, c := range needle {
		rank := strings.IndexByte(common, c)
		if rank < 0 {
			rank = len(common)
		}
		if rank > best {
			best, place = rank, i
		}
	}
	return place
}

// index is bytes.Index, led by the needle's byte at mark.
func index(text, needle []byte, mark int) int {
	if len(needle) == 0 {
		return 0
	}
	for at := 0; at+len(needle) <= len(text); at++ {
		next := bytes.IndexByte(text[at+mark:len(text)-len(needle)+mark+1], needle[mark])
		if next < 0 {
			return -1
		}
		if at += next; bytes.Equal(text[at:at+len(needle)], needle) {
			return at
		}
	}
	return -1
}

// reaching gives the first index from i on whose end is not before a place. It is often near.
func reaching(ends []uint32, i int, place uint32) int {
	step := 1
	for i+step < len(ends) && ends[i+step] < place {
		i += step
		step *= 2
	}
	return i + sort.Search(min(step, len(ends)-1-i), func(k int) bool { return ends[i+k] >= place })
}

func (d *dictionary) beginning(found bitset, text []byte, ends []uint32, needle []byte) {
	start := 0
	for code, end := range ends {
		if bytes.HasPrefix(text[start:end], needle) {
			found.set(uint32(code))
		}
		start = int(end) + 1
	}
}

// less orders any two texts as the dictionary orders its values.
func (d *dictionary) less(a, b string) bool {
	d.ranks.mu.Lock()
	defer d.ranks.mu.Unlock()
	return d.compare(a, b) < 0
}
