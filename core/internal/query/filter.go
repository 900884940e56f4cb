package query

import (
	"slices"
	"sort"

	"github.com/palabre-cms/palabre/core"
)

var (
	operators = []core.Operator{core.OpEq, core.OpNe, core.OpLt, core.OpLte, core.OpGt, core.OpGte, core.OpIn, core.OpNin,
		core.OpContains, core.OpPrefix, core.OpExists, core.OpBetween}
	ordered  = []core.Operator{core.OpEq, core.OpNe, core.OpLt, core.OpLte, core.OpGt, core.OpGte, core.OpIn, core.OpNin, core.OpExists, core.OpBetween}
	equality = []core.Operator{core.OpEq, core.OpNe, core.OpIn, core.OpNin, core.OpExists}
	presence = []core.Operator{core.OpExists}
)

// operatorsOf lists what a kind of values can be asked.
func operatorsOf(kind core.Kind) []core.Operator {
	switch kind {
	case core.KindString:
		return operators
	case core.KindInteger, core.KindNumber, core.KindTime, core.KindDate:
		return ordered
	case core.KindBoolean, core.KindRef, core.KindMedia:
		return equality
	case core.KindGeo, core.KindJSON:
		return presence
	default:
		return nil
	}
}

// condition checks one comparison.
func (r *request) condition(c condition) (core.Node, error) {
	if r.predicates++; r.predicates > maxPredicates {
		return nil, refuse("too_many_conditions", "A filter has at most %d conditions.", "Un filtre a au plus %d conditions.", maxPredicates)
	}
	t, err := r.resolve(c.field)
	if err != nil {
		return nil, err
	}
	op := core.Operator(c.op)
	if !slices.Contains(operators, op) {
		return nil, unknown("operator", c.op, operatorNames())
	}
	if err := filterable(t, op, c.field); err != nil {
		return nil, err
	}
	values, err := operands(t.kind, op, c)
	if err != nil {
		return nil, err
	}
	return core.Compare{Path: t.path, Op: op, Values: values}, nil
}

func operatorNames() []string {
	names := make([]string, len(operators))
	for i, op := range operators {
		names[i] = string(op)
	}
	return names
}

// filterable refuses what the caller may know of and yet cannot ask.
func filterable(t target, op core.Operator, name string) error {
	allowed := operatorsOf(t.kind)
	switch {
	case t.kind == core.KindObject:
		return refuse("not_filterable", "%s is a group of fields. Filter on one of them: %s.",
			"%s est un groupe de champs. Filtrez sur l’un d’eux : %s.", quote(name), quote(name+".…"))
	case !t.indexed() || len(allowed) == 0:
		return refuse("not_filterable", "%s cannot be filtered on or sorted by: its values are not indexed.",
			"%s ne se prête ni au filtre ni au tri : ses valeurs ne sont pas indexées.", quote(name))
	case !slices.Contains(allowed, op):
		return refuse("wrong_operator", "%s cannot be asked with %s. It knows: %s.",
			"%s ne s’interroge pas avec %s. Opérateurs possibles : %s.", quote(name), string(op), list(allowed))
	}
	return nil
}

// operands reads the values that go with an operator.
func operands(kind core.Kind, op core.Operator, c condition) ([]any, error) {
	switch op {
	case core.OpExists:
		on, ok := c.value.boolean()
		if !ok {
			return nil, refuse("bad_value", "%s exists must be true or false.", "%s exists doit valoir true ou false.", quote(c.field))
		}
		return []any{on}, nil
	case core.OpIn, core.OpNin, core.OpBetween:
		return several(kind, op, c)
	}
	if c.value.null() && (op == core.OpEq || op == core.OpNe) {
		return []any{nil}, nil
	}
	v, err := single(kind, c.field, c.value)
	if err != nil {
		return nil, err
	}
	if s, ok := v.(string); ok && s == "" && (op == core.OpContains || op == core.OpPrefix) {
		return nil, refuse("bad_value", "%s %s needs at least one character.", "%s %s demande au moins un caractère.", quote(c.field), string(op))
	}
	return []any{v}, nil
}

func several(kind core.Kind, op core.Operator, c condition) ([]any, error) {
	items, ok := c.value.items()
	switch {
	case !ok:
		return nil, refuse("bad_value", "%s %s needs a list: [value, value].", "%s %s demande une liste : [valeur, valeur].", quote(c.field), string(op))
	case op == core.OpBetween && len(items) != 2:
		return nil, refuse("bad_value", "%s between needs two values, the lower and the upper.",
			"%s between demande deux valeurs, la plus petite puis la plus grande.", quote(c.field))
	case len(items) > maxList:
		return nil, refuse("too_many_values", "%s %s has %d values; %d is the most.", "%s %s a %d valeurs ; le maximum est %d.", quote(c.field), string(op), len(items), maxList)
	}
	values := make([]any, len(items))
	for i, item := range items {
		v, err := single(kind, c.field, item)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

func single(kind core.Kind, field string, l literal) (any, error) {
	v, ok := l.value(kind)
	if !ok {
		want := wanted(kind)
		return nil, refuse("bad_value", "%[1]s is compared with %[2]s.", "%[1]s se compare avec %[3]s.", quote(field), want["en"], want["fr"])
	}
	return v, nil
}

// tree checks a filter tree. An object's members all hold: {"region": {"eq": "44"}, "not": {…}}.
func (r *request) tree(tree any, depth int) (core.Node, error) {
	object, ok := tree.(map[string]any)
	if !ok {
		return nil, refuse("bad_filter", `A filter is an object: {"field": {"op": value}}, {"and": […]}, {"or": […]} or {"not": {…}}.`,
			`Un filtre est un objet : {"champ": {"op": valeur}}, {"and": […]}, {"or": […]} ou {"not": {…}}.`)
	}
	if depth > maxDepth {
		return nil, refuse("too_deep", "A filter nests and, or and not at most %d deep.",
			"Un filtre emboîte and, or et not sur %d niveaux au plus.", maxDepth)
	}
	all := make(core.And, 0, len(object))
	for _, name := range sortedKeys(object) {
		n, err := r.member(name, object[name], depth)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (r *request) member(name string, v any, depth int) (core.Node, error) {
	switch name {
	case "and":
		nodes, err := r.trees(name, v, depth)
		return core.And(nodes), err
	case "or":
		nodes, err := r.trees(name, v, depth)
		return core.Or(nodes), err
	case "not":
		n, err := r.tree(v, depth+1)
		return core.Not{Node: n}, err
	}
	return r.comparisons(name, v)
}

func (r *request) trees(name string, v any, depth int) ([]core.Node, error) {
	array, ok := v.([]any)
	if !ok {
		return nil, refuse("bad_filter", `"%s" takes a list: {"%s": [{…}, {…}]}.`, `"%s" prend une liste : {"%s": [{…}, {…}]}.`, name, name)
	}
	nodes := make([]core.Node, 0, len(array))
	for _, item := range array {
		n, err := r.tree(item, depth+1)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// comparisons reads {"op": value, …} for one field, or a bare value, which must be equal.
func (r *request) comparisons(field string, v any) (core.Node, error) {
	ops, ok := v.(map[string]any)
	if !ok {
		return r.equals(field, v)
	}
	var all core.And
	for _, op := range sortedKeys(ops) {
		n, err := r.condition(condition{field: field, op: op, value: literal{json: ops[op]}})
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	if len(all) > 0 {
		return all, nil
	}
	if _, err := r.resolve(field); err != nil {
		return nil, err
	}
	return nil, refuse("bad_filter", `%s has no operator: write {"eq": value}.`, `%s est sans opérateur : écrivez {"eq": valeur}.`, quote(field))
}

func (r *request) equals(field string, v any) (core.Node, error) {
	if _, isList := v.([]any); !isList {
		return r.condition(condition{field: field, op: string(core.OpEq), value: literal{json: v}})
	}
	if _, err := r.resolve(field); err != nil {
		return nil, err
	}
	return nil, refuse("bad_filter", `%s is given a list: write {"in": […]}.`, `%s reçoit une liste : écrivez {"in": […]}.`, quote(field))
}

// simplify flattens and-in-and and or-in-or, and takes out double negation. nil is "all".
func simplify(n core.Node) core.Node {
	switch n := n.(type) {
	case core.And:
		return conjunction(n)
	case core.Or:
		return disjunction(n)
	case core.Not:
		inner := simplify(n.Node)
		if inner == nil {
			return core.Or{}
		}
		if double, ok := inner.(core.Not); ok {
			return double.Node
		}
		return core.Not{Node: inner}
	case core.Compare:
		return listOfOne(n)
	}
	return n
}

func conjunction(nodes core.And) core.Node {
	var flat core.And
	for _, child := range nodes {
		switch child := simplify(child).(type) {
		case nil:
		case core.And:
			flat = append(flat, child...)
		default:
			flat = append(flat, child)
		}
	}
	switch len(flat) {
	case 0:
		return nil
	case 1:
		return flat[0]
	}
	return flat
}

// disjunction keeps an Or of nothing, which holds for nothing; one part that always holds makes all of it hold.
func disjunction(nodes core.Or) core.Node {
	flat := core.Or{}
	for _, child := range nodes {
		switch child := simplify(child).(type) {
		case nil:
			return nil
		case core.Or:
			flat = append(flat, child...)
		default:
			flat = append(flat, child)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

// listOfOne writes a list of one as the value itself.
func listOfOne(c core.Compare) core.Node {
	if len(c.Values) == 1 && c.Op == core.OpIn {
		c.Op = core.OpEq
	}
	if len(c.Values) == 1 && c.Op == core.OpNin {
		c.Op = core.OpNe
	}
	return c
}
