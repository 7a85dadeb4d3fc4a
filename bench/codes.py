"""What the generated records speak of: per resource type the relevant concepts and the others.

*Relevant* means: a code that a table of this project knows and some criterion of `ln-msc-il2` may ask for. A
concept is a tuple of standard codings; the record puts the sender's own code before them.
"""

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
CVX = "http://hl7.org/fhir/sid/cvx"
UCUM = "http://unitsofmeasure.org"

Coding = tuple[str, str, str]
"""System, code, display."""
Concept = tuple[Coding, ...]
Test = tuple[str, str, str, float, float]
"""LOINC code, display, UCUM unit, lowest and highest value drawn."""

UPCR = "2890-2"
PROTEIN_24H = "2889-4"
RITUXIMAB: Concept = ((RXNORM, "121191", "rituximab"), (ATC, "L01FA01", "rituximab"))

TESTS: dict[bool, tuple[Test, ...]] = {
    True: (
        (UPCR, "Protein/Creatinine urine ratio", "g/g", 0.1, 2.4),
        (UPCR, "Protein/Creatinine urine ratio", "mg/g", 60, 2600),
        (UPCR, "Protein/Creatinine urine ratio", "mg/mmol", 10, 250),
        (PROTEIN_24H, "Protein 24 h urine", "g/(24.h)", 0.1, 2.6),
        (PROTEIN_24H, "Protein 24 h urine", "mg/(24.h)", 80, 2800),
        ("6690-2", "Leukocytes", "10*3/uL", 2.5, 11),
        ("731-0", "Lymphocytes", "10*3/uL", 0.6, 4),
        ("777-3", "Platelets", "10*3/uL", 80, 420),
        ("4485-9", "Complement C3", "mg/dL", 40, 170),
    ),
    False: (
        ("2345-7", "Glucose", "mg/dL", 65, 210),
        ("2951-2", "Sodium", "mmol/L", 130, 148),
        ("2823-3", "Potassium", "mmol/L", 3.1, 5.6),
        ("2160-0", "Creatinine", "mg/dL", 0.4, 2.2),
        ("718-7", "Hemoglobin", "g/dL", 8, 17),
        ("8867-4", "Heart rate", "/min", 52, 112),
        ("8480-6", "Systolic blood pressure", "mm[Hg]", 92, 168),
        ("8462-4", "Diastolic blood pressure", "mm[Hg]", 55, 104),
        ("39156-5", "Body mass index", "kg/m2", 17, 38),
        ("1742-6", "Alanine aminotransferase", "U/L", 6, 90),
        ("2093-3", "Cholesterol", "mg/dL", 110, 290),
        ("4548-4", "Hemoglobin A1c", "%", 4.5, 9.5),
    ),
}

CONDITIONS: dict[bool, tuple[Concept, ...]] = {
    True: (
        ((SNOMED, "68815009", "SLE glomerulonephritis syndrome"), (ICD_10_CM, "M32.14", "Lupus nephritis")),
        ((ICD_10_CM, "M32.10", "Systemic lupus erythematosus"),),
        ((ICD_10_CM, "E11.9", "Type 2 diabetes"),),
        ((ICD_10_CM, "I50.9", "Heart failure"),),
        ((ICD_10_CM, "J18.9", "Pneumonia"),),
        ((ICD_10_CM, "N39.0", "Urinary tract infection"),),
        ((ICD_10_CM, "C50.911", "Malignant neoplasm of right breast"),),
    ),
    False: (
        ((ICD_10_CM, "R51.9", "Headache"),),
        ((ICD_10_CM, "M54.50", "Low back pain"),),
        ((ICD_10_CM, "H52.13", "Myopia"),),
        ((ICD_10_CM, "M17.11", "Osteoarthritis of right knee"),),
        ((SNOMED, "160903007", "Full-time employment"),),
        ((ICD_10_CM, "I10", "Essential hypertension"),),
    ),
}

DRUGS: dict[bool, tuple[Concept, ...]] = {
    True: (
        RITUXIMAB,
        ((RXNORM, "42316", "tacrolimus"), (ATC, "L04AD02", "tacrolimus")),
        ((ATC, "L04AA06", "mycophenolic acid"),),
        ((ATC, "L04AA26", "belimumab"),),
        ((RXNORM, "723", "amoxicillin"), (ATC, "J01CA04", "amoxicillin")),
    ),
    False: (
        ((RXNORM, "6809", "metformin"), (ATC, "A10BA02", "metformin")),
        ((RXNORM, "83367", "atorvastatin"), (ATC, "C10AA05", "atorvastatin")),
        ((RXNORM, "29046", "lisinopril"), (ATC, "C09AA03", "lisinopril")),
        ((RXNORM, "7646", "omeprazole"), (ATC, "A02BC01", "omeprazole")),
        ((RXNORM, "5521", "hydroxychloroquine"), (ATC, "P01BA02", "hydroxychloroquine")),
    ),
}

PROCEDURES: dict[bool, tuple[Concept, ...]] = {
    True: (((SNOMED, "20720000", "Plasmapheresis"),), ((SNOMED, "7246002", "Kidney biopsy"),)),
    False: (
        ((SNOMED, "430193006", "Medication reconciliation"),),
        ((SNOMED, "710824005", "Assessment of health and social care needs"),),
        ((SNOMED, "428191000124101", "Documentation of current medications"),),
    ),
}

VACCINES: dict[bool, tuple[Concept, ...]] = {
    True: (((CVX, "03", "MMR"),), ((CVX, "21", "varicella"),)),
    False: (((CVX, "150", "influenza, inactivated"),), ((CVX, "115", "Tdap"),), ((CVX, "133", "PCV13"),)),
}
