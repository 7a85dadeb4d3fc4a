import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirDefaultPolicyAdvisor;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.common.hapi.validation.validator.WorkerContextValidationSupportAdapter;
import org.hl7.fhir.exceptions.FHIRException;
import org.hl7.fhir.r5.context.IWorkerContext;
import org.hl7.fhir.r5.elementmodel.Element;
import org.hl7.fhir.r5.elementmodel.Manager;
import org.hl7.fhir.r5.model.CanonicalResource;
import org.hl7.fhir.r5.model.CanonicalType;
import org.hl7.fhir.r5.utils.validation.IResourceValidator;
import org.hl7.fhir.r5.utils.validation.IValidationPolicyAdvisor.ReferenceDestinationType;
import org.hl7.fhir.r5.utils.validation.IValidatorResourceFetcher;
import org.hl7.fhir.r5.utils.validation.constants.ReferenceValidationPolicy;

/**
 * Validates FHIR R4 resources with HAPI, offline.
 *
 * <p>Standard input: lines of "profile PATH" (a definition to validate against: StructureDefinition, ValueSet,
 * CodeSystem, Questionnaire...) and "resource PATH" (what is validated). Standard output: a JSON object a line for each
 * message, with file, severity, location, id and text.
 */
public final class Validate {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] arguments) throws IOException {
    Map<Path, String> profiles = new LinkedHashMap<>();
    Map<Path, String> resources = new LinkedHashMap<>();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Path path = Path.of(line.substring(line.indexOf(' ') + 1));
      (line.startsWith("profile ") ? profiles : resources).put(path, Files.readString(path));
    }
    FhirValidator validator = validator(profiles, resources);
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (Map.Entry<Path, String> resource : resources.entrySet()) {
      for (SingleValidationMessage message : messages(validator, resource.getValue())) {
        out.println(JSON.writeValueAsString(told(resource.getKey(), message)));
      }
    }
  }

  private static List<SingleValidationMessage> messages(FhirValidator validator, String resource) {
    try {
      return validator.validateWithResult(resource).getMessages();
    } catch (RuntimeException refused) { // the parser gives up before there is anything to validate
      SingleValidationMessage message = new SingleValidationMessage();
      message.setSeverity(ResultSeverityEnum.FATAL);
      message.setMessage(refused.getMessage());
      return List.of(message);
    }
  }

  private static Map<String, String> told(Path file, SingleValidationMessage message) {
    Map<String, String> told = new LinkedHashMap<>();
    told.put("file", file.toString());
    told.put("severity", message.getSeverity().getCode());
    told.put("location", message.getLocationString());
    told.put("id", message.getMessageId());
    told.put("text", message.getMessage());
    return told;
  }

  private static FhirValidator validator(Map<Path, String> profiles, Map<Path, String> resources) {
    FhirContext context = FhirContext.forR4();
    PrePopulatedValidationSupport own = new PrePopulatedValidationSupport(context);
    for (String profile : profiles.values()) {
      own.addResource(context.newJsonParser().parseResource(profile));
    }
    UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
    unknown.setNonExistentCodeSystemSeverity(IValidationSupport.IssueSeverity.WARNING);
    IValidationSupport support =
        new ValidationSupportChain(
            new DefaultProfileValidationSupport(context),
            own,
            new CommonCodeSystemsTerminologyService(context),
            new InMemoryTerminologyServerValidationSupport(context),
            new SnapshotGeneratingValidationSupport(context),
            unknown);
    FhirInstanceValidator module = new FhirInstanceValidator(support);
    module.setAnyExtensionsAllowed(false);
    // Extensions of others that the program writes: recruIT's and SDC's.
    module.setCustomExtensionDomains("https://fhir.miracum.org/uc1/", "http://hl7.org/fhir/uv/sdc/");
    module.setErrorForUnknownProfiles(true);
    module.setValidatorPolicyAdvisor(new References());
    module.setValidatorResourceFetcher(new Given(support, resources.values()));
    return context.newValidator().registerValidatorModule(module);
  }

  /** The type of what a reference leads to is checked; that it leads anywhere is not asked. */
  private static final class References extends FhirDefaultPolicyAdvisor {
    @Override
    public ReferenceValidationPolicy policyForReference(
        IResourceValidator validator, Object context, String path, String url, ReferenceDestinationType destination) {
      return ReferenceValidationPolicy.CHECK_TYPE_IF_EXISTS;
    }

    @Override
    public ReferenceValidationPolicy getReferencePolicy() {
      return ReferenceValidationPolicy.CHECK_TYPE_IF_EXISTS;
    }
  }

  /**
   * Finds a resource among the given ones by `Type/id`. For one that is not given it makes up an empty one of that type:
   * HAPI looks at the type of what it finds, never at the type that a reference names.
   */
  private static final class Given implements IValidatorResourceFetcher {
    private static final Pattern KEY = Pattern.compile("(?:.*/)?(([A-Z][A-Za-z]+)/[A-Za-z0-9.-]+)(?:/_history/.*)?");
    private final IWorkerContext context;
    private final Map<String, String> resources = new LinkedHashMap<>();

    Given(IValidationSupport support, Iterable<String> given) {
      context = WorkerContextValidationSupportAdapter.newVersionSpecificWorkerContextWrapper(support);
      for (String resource : given) {
        resources.put(key(resource), resource);
      }
    }

    private static String key(String resource) {
      try {
        JsonNode parsed = JSON.readTree(resource);
        return parsed.path("resourceType").asText() + "/" + parsed.path("id").asText();
      } catch (JsonProcessingException broken) { // reported where it is validated
        return "";
      }
    }

    @Override
    public Element fetch(IResourceValidator validator, Object appContext, String url) throws IOException {
      Matcher matcher = KEY.matcher(url);
      if (!matcher.matches()) {
        return null;
      }
      String empty = String.format("{\"resourceType\": \"%s\"}", matcher.group(2));
      String found = resources.getOrDefault(matcher.group(1), empty);
      ByteArrayInputStream bytes = new ByteArrayInputStream(found.getBytes(StandardCharsets.UTF_8));
      try {
        return Manager.parseSingle(context, bytes, Manager.FhirFormat.JSON);
      } catch (FHIRException unknownType) {
        return null;
      }
    }

    /** A URL that is not in the given files is not an error: most are names, not addresses. */
    @Override
    public boolean resolveURL(
        IResourceValidator validator,
        Object context,
        String path,
        String url,
        String type,
        boolean canonical,
        List<CanonicalType> targets) {
      return true;
    }

    @Override
    public byte[] fetchRaw(IResourceValidator validator, String url) {
      return null;
    }

    @Override
    public IValidatorResourceFetcher setLocale(Locale locale) {
      return this;
    }

    @Override
    public CanonicalResource fetchCanonicalResource(IResourceValidator validator, Object context, String url) {
      return null;
    }

    @Override
    public boolean fetchesCanonicalResource(IResourceValidator validator, String url) {
      return false;
    }

    @Override
    public Set<ResourceVersionInformation> fetchCanonicalResourceVersions(
        IResourceValidator validator, Object context, String url) {
      return Set.of();
    }
  }
}
