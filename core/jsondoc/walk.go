package jsondoc

// Walk walks the members of one object in trusted, compact JSON text like Members, for those who need to know where each
// stands: doc[From:To] is the member as it is written, doc[Value:To] its value.
//
//	for w := jsondoc.Walk(doc); w.Next(); {
func Walk(doc []byte) Walker { return Walker{doc: doc} }

// Walker is a place in an object. It is at no member before Next was called and after Next gave false.
type Walker struct {
	Name            string // shares the text's memory
	From, Value, To int
	doc             []byte
}

// Next goes to the next member, and reports whether there is one.
func (w *Walker) Next() bool {
	doc, i := w.doc, w.To+1
	if i >= len(doc) || doc[i] != '"' || doc[0] != '{' {
		return false
	}
	keyEnd := stringEnd(doc, i)
	if keyEnd-i < 2 || keyEnd >= len(doc) || doc[keyEnd] != ':' {
		return false
	}
	w.Name, w.From, w.Value = key(doc[i:keyEnd]), i, keyEnd+1
	w.To = valueEnd(doc, w.Value)
	return true
}
