package schema

// shape is what the value of a keyword must look like.
type shape int

const (
	shapeUnknown shape = iota
	shapeAny
	shapeSchema
	shapeSchemaList
	shapeSchemaMap
	shapeString
	shapeBool
	shapeCount
	shapeNumber
	shapePositive
	shapeList
	shapeStrings
	shapeStringsMap
	shapeTypeNames
	shapePattern
	shapeFormat
	shapeReference
	shapeRefused
	shapeAnnotation
)

// keyword is what is known of one name in a schema.
type keyword struct {
	shape shape
	place place
	read  func(*reader, any) // of an annotation: checks the value and notes it on the node
}

// place says where an annotation may stand.
type place int

const (
	placeAny   place = iota
	placeRoot        // the type itself
	placeField       // a property, or the items of one
)

// keywords are the names that a schema may hold. Whatever is not here is refused, so that a misspelt rule is not a rule
// that silently does nothing.
var keywords = map[string]keyword{
	"$schema": {shape: shapeString}, "$id": {shape: shapeString}, "$comment": {shape: shapeString},
	"$ref": {shape: shapeReference}, "$defs": {shape: shapeSchemaMap}, "definitions": {shape: shapeSchemaMap},
	"$dynamicRef": {shape: shapeRefused}, "$dynamicAnchor": {shape: shapeRefused}, "$recursiveRef": {shape: shapeRefused},
	"$recursiveAnchor": {shape: shapeRefused}, "$anchor": {shape: shapeRefused}, "$vocabulary": {shape: shapeRefused},
	"dependencies": {shape: shapeRefused}, "additionalItems": {shape: shapeRefused}, "contentSchema": {shape: shapeRefused},

	"title": {shape: shapeString}, "description": {shape: shapeString}, "default": {shape: shapeAny}, "examples": {shape: shapeList},
	"readOnly": {shape: shapeBool}, "writeOnly": {shape: shapeBool}, "deprecated": {shape: shapeBool},

	"type": {shape: shapeTypeNames}, "enum": {shape: shapeList}, "const": {shape: shapeAny}, "format": {shape: shapeFormat},
	"multipleOf": {shape: shapePositive}, "maximum": {shape: shapeNumber}, "exclusiveMaximum": {shape: shapeNumber},
	"minimum": {shape: shapeNumber}, "exclusiveMinimum": {shape: shapeNumber},
	"maxLength": {shape: shapeCount}, "minLength": {shape: shapeCount}, "pattern": {shape: shapePattern},
	"maxItems": {shape: shapeCount}, "minItems": {shape: shapeCount}, "uniqueItems": {shape: shapeBool},
	"maxContains": {shape: shapeCount}, "minContains": {shape: shapeCount},
	"maxProperties": {shape: shapeCount}, "minProperties": {shape: shapeCount},
	"required": {shape: shapeStrings}, "dependentRequired": {shape: shapeStringsMap},
	"contentEncoding": {shape: shapeString}, "contentMediaType": {shape: shapeString},

	"allOf": {shape: shapeSchemaList}, "anyOf": {shape: shapeSchemaList}, "oneOf": {shape: shapeSchemaList},
	"prefixItems": {shape: shapeSchemaList}, "not": {shape: shapeSchema}, "if": {shape: shapeSchema}, "then": {shape: shapeSchema},
	"else": {shape: shapeSchema}, "items": {shape: shapeSchema}, "contains": {shape: shapeSchema},
	"properties": {shape: shapeSchemaMap}, "patternProperties": {shape: shapeSchemaMap}, "additionalProperties": {shape: shapeSchema},
	"propertyNames": {shape: shapeSchema}, "dependentSchemas": {shape: shapeSchemaMap},
	"unevaluatedItems": {shape: shapeSchema}, "unevaluatedProperties": {shape: shapeSchema},

	// What Palabre itself acts on.
	"x-type":       {shapeAnnotation, placeRoot, readObject},
	"x-id":         {shapeAnnotation, placeField, readID},
	"x-label":      {shapeAnnotation, placeAny, readLabel},
	"x-help":       {shapeAnnotation, placeAny, readHelp},
	"x-group":      {shapeAnnotation, placeField, readGroup},
	"x-groups":     {shapeAnnotation, placeRoot, readGroups},
	"x-widget":     {shapeAnnotation, placeField, readWidget},
	"x-ref":        {shapeAnnotation, placeField, readRef},
	"x-media":      {shapeAnnotation, placeField, readMedia},
	"x-geo":        {shapeAnnotation, placeField, readGeo},
	"x-territory":  {shapeAnnotation, placeField, readTerritory},
	"x-unique":     {shapeAnnotation, placeField, readUnique},
	"x-index":      {shapeAnnotation, placeField, readIndex},
	"x-filterable": {shapeAnnotation, placeField, readIndex},
	"x-sortable":   {shapeAnnotation, placeField, readSwitch},
	"x-facet":      {shapeAnnotation, placeField, readFacet},
	"x-search":     {shapeAnnotation, placeField, readSearch},
	"x-localized":  {shapeAnnotation, placeField, readLocalized},
	"x-private":    {shapeAnnotation, placeField, readPrivate},
	"x-secret":     {shapeAnnotation, placeField, readSecret},
	"x-roles":      {shapeAnnotation, placeField, readRoles},
	"x-permissions": {shapeAnnotation, placeField,
		readPermissions},
	"x-personal":    {shapeAnnotation, placeField, readPersonal},
	"x-computed":    {shapeAnnotation, placeField, readComputed},
	"x-richtext":    {shapeAnnotation, placeField, readRichText},
	"x-enum-labels": {shapeAnnotation, placeField, readEnumLabels},
	"x-error":       {shapeAnnotation, placeAny, readErrors},
	"x-i18n":        {shapeAnnotation, placeAny, readTranslations},
	"x-slug":        {shapeAnnotation, placeField, readSlug},

	// What the admin acts on.
	"x-order": {shapeAnnotation, placeAny, readNumber}, "x-width": {shapeAnnotation, placeAny, readWidth},
	"x-layout": {shapeAnnotation, placeAny, readWord}, "x-tab": {shapeAnnotation, placeAny, readWord},
	"x-hidden": {shapeAnnotation, placeField, readSwitch}, "x-visible": {shapeAnnotation, placeField, readSwitch},
	"x-show-if": {shapeAnnotation, placeAny, readObject}, "x-visible-if": {shapeAnnotation, placeAny, readObject},
	"x-readonly-if": {shapeAnnotation, placeAny, readObject}, "x-required-if": {shapeAnnotation, placeAny, readObject},
	"x-keep-hidden": {shapeAnnotation, placeField, readSwitch}, "x-date-range": {shapeAnnotation, placeField, readObject},
	"x-timezone-field": {shapeAnnotation, placeField, readWord}, "x-block": {shapeAnnotation, placeAny, readObject},
	"x-calendar": {shapeAnnotation, placeRoot, readObject}, "x-list": {shapeAnnotation, placeRoot, readObject},
	"x-board": {shapeAnnotation, placeRoot, readObject}, "x-preview": {shapeAnnotation, placeRoot, readObject},
	"x-workflow": {shapeAnnotation, placeRoot, readObject}, "x-itemLabel": {shapeAnnotation, placeAny, readWord},
	"x-item-label": {shapeAnnotation, placeAny, readWord}, "x-help-url": {shapeAnnotation, placeAny, readWord},
	"x-example": {shapeAnnotation, placeAny, readAny}, "x-unit": {shapeAnnotation, placeField, readTextOnly},
	"x-placeholder": {shapeAnnotation, placeField, readTextOnly}, "x-counter": {shapeAnnotation, placeField, readSwitch},
	"x-spellcheck": {shapeAnnotation, placeField, readSwitch}, "x-lang": {shapeAnnotation, placeField, readWord},
	"x-confirm": {shapeAnnotation, placeField, readTextOnly}, "x-icon": {shapeAnnotation, placeAny, readWord},
	"x-source": {shapeAnnotation, placeAny, readAny},
}

// keywordNames lists the known names, for the nearest to a misspelt one.
func keywordNames() []string {
	names := make([]string, 0, len(keywords))
	for name, k := range keywords {
		if k.shape != shapeRefused {
			names = append(names, name)
		}
	}
	return names
}
