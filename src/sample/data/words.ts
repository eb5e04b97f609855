// Lists the names and texts that sample rows are made of.
import type { ScenarioStepItemTypeEnum } from '../../generated/nodes/client.js';

export interface StepWords {
  name: string;
  /** The type of the value that a person enters at this step. */
  asks?: ScenarioStepItemTypeEnum;
}

export interface ScenarioWords {
  name: string;
  description: string;
  steps: StepWords[];
}

export const FIRST_NAMES =
  'Amara Anton Beatriz Chidi Dilnoza Elif Emil Fatima Gustav Hana Ines Jonas Kaya Leila Mateo Nadia Omar Priya'.split(' ');
export const LAST_NAMES =
  'Adeyemi Bauer Castro Dahl Eriksen Fischer García Haddad Ivanova Jansen Kimura Lindqvist Moreau Nowak Okafor'.split(' ');
export const JOB_TITLES = ['Technician', 'Senior technician', 'Shift leader', 'Inspector', 'Trainer'];
export const GROUPS = ['Night shift', 'Hall 3', 'Field service', 'Apprentices'];
export const ENVIRONMENTS = ['Production', 'Training centre'];
export const INTEGRATIONS = [
  { name: 'Work orders', description: 'Reports finished sessions to the maintenance system.' },
  { name: 'Team chat', description: 'Tells the shift leaders what goes on.' },
];
export const SESSION_TYPES = ['training', 'maintenance', 'inspection'];
export const PART_NUMBERS = ['1234-ABCD', '5678-EFGH', '9012-IJKL', '3456-MNOP'];

export const PUMP: StepWords[] = [
  { name: 'Shut the valve' },
  { name: 'Release the pressure', asks: 'NUMBER' },
  { name: 'Open the housing' },
  { name: 'Take out the old filter', asks: 'PHOTO' },
  { name: 'Put in the new filter', asks: 'BARCODE' },
  { name: 'Close the housing', asks: 'CHECKBOX' },
  { name: 'Test run', asks: 'TEXT' },
];

export const SCENARIOS: ScenarioWords[] = [
  {
    name: 'Inspect a conveyor belt',
    description: 'What to look at before the shift begins.',
    steps: [
      { name: 'Lock the drive', asks: 'CHECKBOX' },
      { name: 'Look for cracks', asks: 'PHOTO' },
      { name: 'Measure the tension', asks: 'NUMBER' },
      { name: 'Oil the bearings' },
      { name: 'Unlock the drive', asks: 'CHECKBOX' },
    ],
  },
  {
    name: 'Replace a wheel bearing',
    description: 'With the press, and without hurting the axle.',
    steps: [
      { name: 'Lift the wagon' },
      { name: 'Take off the wheel' },
      { name: 'Press out the bearing', asks: 'PHOTO' },
      { name: 'Choose the new bearing', asks: 'BARCODE' },
      { name: 'Press in the bearing' },
      { name: 'Check the play', asks: 'NUMBER' },
      { name: 'Sign off', asks: 'TEXT' },
    ],
  },
  {
    name: 'Calibrate a pressure sensor',
    description: 'Against the reference in the laboratory.',
    steps: [
      { name: 'Connect the reference' },
      { name: 'Read at zero', asks: 'NUMBER' },
      { name: 'Read at full scale', asks: 'NUMBER' },
      { name: 'Within tolerance?', asks: 'MULTIPLE_CHOICE' },
      { name: 'Next calibration', asks: 'DATE' },
    ],
  },
  {
    name: 'Shut down a gas turbine',
    description: 'In the right order, and with two people.',
    steps: [
      { name: 'Reduce the load', asks: 'NUMBER' },
      { name: 'Open the breaker', asks: 'CHECKBOX' },
      { name: 'Cool down', asks: 'NUMBER' },
      { name: 'Film the vibration', asks: 'VIDEO' },
      { name: 'Close the fuel valve', asks: 'CHECKBOX' },
      { name: 'Turning gear on', asks: 'PHOTO' },
    ],
  },
  {
    name: 'Welcome to hall 3',
    description: 'The first round for everybody who is new.',
    steps: [
      { name: 'Where is the emergency exit?', asks: 'MULTIPLE_CHOICE' },
      { name: 'Put on your helmet', asks: 'PHOTO' },
      { name: 'Meet your shift leader', asks: 'TEXT' },
    ],
  },
];

/** Values that a person may have entered at a step, by value type. */
export const ANSWERS: Record<ScenarioStepItemTypeEnum, readonly (string | number | boolean)[]> = {
  TEXT: ['Runs quietly.', 'Slight noise, to be watched.', 'All well.'],
  NUMBER: [0.4, 1.2, 12, 37, 98.6],
  DATE: ['2027-01-15', '2027-03-01'],
  CHECKBOX: [true, true, true, false],
  MULTIPLE_CHOICE: ['Yes', 'Yes', 'No', 'Not sure'],
  PHOTO: ['photo.jpg'],
  VIDEO: ['film.mp4'],
  BARCODE: PART_NUMBERS,
};
