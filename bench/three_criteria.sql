-- The three simplest criteria over an export by type, as criteria.md has them, for records as clean as the generated ones:
-- complete dates of the site's calendar, whole statuses, units of one spelling, everything covered.
-- $folder, $as_of are replaced by bench.peers. One row a patient: id, inc_age, inc_proteinuria, exc_b_cell_depletion.

CREATE MACRO has(codings, wanted_system, wanted_code) AS
  len(list_filter(codings, lambda c: c.system = wanted_system AND c.code = wanted_code)) > 0;
CREATE MACRO rituximab(codings) AS
  has(codings, 'http://www.whocc.no/atc', 'L01FA01')
  OR has(codings, 'http://www.nlm.nih.gov/research/umls/rxnorm', '121191');

WITH patients AS (
  SELECT id, date_sub('year', birthDate, DATE '$as_of') AS years,
         birthDate + INTERVAL 18 YEAR = DATE '$as_of' AS birthday_18,
         birthDate + INTERVAL 65 YEAR = DATE '$as_of' AS birthday_65
  FROM read_json('$folder/Patient.ndjson', format = 'newline_delimited', columns = {id: 'VARCHAR', birthDate: 'DATE'})
),
urine AS (
  SELECT subject.reference[9:] AS patient, effectiveDateTime[:10]::DATE AS day,
         has(code.coding, 'http://loinc.org', '2890-2') AS ratio,
         CASE valueQuantity.code
           WHEN 'g/g' THEN valueQuantity.value > 1 WHEN 'mg/g' THEN valueQuantity.value > 1000
           WHEN 'mg/mmol' THEN valueQuantity.value > 113.12
           WHEN 'g/(24.h)' THEN valueQuantity.value > 1 WHEN 'mg/(24.h)' THEN valueQuantity.value > 1000
         END AS above
  FROM read_json('$folder/Observation.ndjson', format = 'newline_delimited', columns = {
    status: 'VARCHAR', code: 'STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])',
    subject: 'STRUCT(reference VARCHAR)', effectiveDateTime: 'VARCHAR',
    valueQuantity: 'STRUCT(value DECIMAL(18, 6), code VARCHAR)'})
  WHERE status IN ('final', 'amended', 'corrected')
    AND (has(code.coding, 'http://loinc.org', '2890-2') OR has(code.coding, 'http://loinc.org', '2889-4'))
    AND effectiveDateTime[:10]::DATE BETWEEN DATE '$as_of' - 28 AND DATE '$as_of'
),
latest AS (
  SELECT patient, ratio, bool_or(above) AS some_above, bool_and(above) AS all_above
  FROM urine AS u
  WHERE day = (SELECT max(day) FROM urine AS later WHERE later.patient = u.patient AND later.ratio = u.ratio)
  GROUP BY patient, ratio
),
proteinuria AS (
  SELECT patient, bool_or(all_above) AS proved, count(*) = 2 AND NOT bool_or(some_above) AS denied
  FROM latest GROUP BY patient
),
exposures AS (
  SELECT subject.reference[9:] AS patient
  FROM read_json('$folder/MedicationAdministration.ndjson', format = 'newline_delimited', columns = {
    status: 'VARCHAR', medicationCodeableConcept: 'STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])',
    subject: 'STRUCT(reference VARCHAR)', effectiveDateTime: 'VARCHAR'})
  WHERE status IN ('completed', 'in-progress', 'stopped') AND rituximab(medicationCodeableConcept.coding)
    AND effectiveDateTime[:10]::DATE BETWEEN DATE '$as_of' - 168 AND DATE '$as_of'
  UNION
  SELECT subject.reference[9:]
  FROM read_json('$folder/MedicationStatement.ndjson', format = 'newline_delimited', columns = {
    status: 'VARCHAR', medicationCodeableConcept: 'STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])',
    subject: 'STRUCT(reference VARCHAR)', effectivePeriod: 'STRUCT("start" VARCHAR, "end" VARCHAR)'})
  WHERE status IN ('active', 'completed', 'stopped') AND rituximab(medicationCodeableConcept.coding)
    AND effectivePeriod."start"[:10]::DATE <= DATE '$as_of'
    AND effectivePeriod."end"[:10]::DATE >= DATE '$as_of' - 168
),
orders AS (
  SELECT DISTINCT subject.reference[9:] AS patient
  FROM read_json('$folder/MedicationRequest.ndjson', format = 'newline_delimited', columns = {
    status: 'VARCHAR', intent: 'VARCHAR',
    medicationCodeableConcept: 'STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])',
    subject: 'STRUCT(reference VARCHAR)', authoredOn: 'VARCHAR'})
  WHERE intent = 'order' AND status IN ('active', 'completed') AND rituximab(medicationCodeableConcept.coding)
    AND authoredOn[:10]::DATE BETWEEN DATE '$as_of' - 168 AND DATE '$as_of'
)
SELECT id,
  CASE WHEN years BETWEEN 19 AND 64 OR birthday_65 THEN 'yes'
       WHEN years < 18 OR birthday_18 OR years > 65 THEN 'no' ELSE 'unknown' END AS inc_age,
  CASE WHEN proved THEN 'yes' WHEN denied THEN 'no' ELSE 'unknown' END AS inc_proteinuria,
  CASE WHEN id IN (SELECT patient FROM exposures) THEN 'yes'
       WHEN id IN (SELECT patient FROM orders) THEN 'unknown' ELSE 'no' END AS exc_b_cell_depletion
FROM patients LEFT JOIN proteinuria ON patient = id ORDER BY id
