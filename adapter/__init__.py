"""trial-adapter: reads an EHR's records in FHIR R4 and says, criterion by criterion, who fits a clinical trial and why.

trial = load_trial("ln-msc-il2")
for screening in screen_bundle(bundle_bytes, trial, as_of=date(2026, 11, 22)):
    print(screening.patient, screening.status)
"""

from adapter.screen import load_trial, screen_bundle

__version__ = "0.1.0"
__all__ = ["__version__", "load_trial", "screen_bundle"]
